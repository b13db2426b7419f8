import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { anyConfig, developmentConfig, exampleConfig, exampleText } from '../testing/configs.ts'
import { overlap, parseCidr } from './cidr.ts'
import { loadConfig } from './load.ts'
import { mediaPortsOf, mediaSysctls } from './media-ports.ts'

// biome-ignore lint/suspicious/noExplicitAny: files are edited here as people edit them
type File = any

/** What is said of the example after an edit. */
function saidOf(edit: (file: File) => void): string {
  const file = parse(exampleText) as File
  edit(file)
  try {
    loadConfig(stringify(file), 'x.yaml')
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('a configuration', () => {
  it('REQ-S2: of two regions is read, each with three zones and a network of its own', () => {
    const { regions } = exampleConfig()
    expect(regions.map(({ region, zones, host }) => ({ region, zones, host }))).toEqual([
      {
        region: 'eu-central-1',
        zones: ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'],
        host: 'eu-central-1.meet.example.com',
      },
      {
        region: 'us-east-1',
        zones: ['us-east-1a', 'us-east-1b', 'us-east-1c'],
        host: 'us-east-1.meet.example.com',
      },
    ])
    expect(regions[0]?.subnets).toEqual({
      private: ['10.16.0.0/18', '10.16.64.0/18', '10.16.128.0/18'],
      public: ['10.16.192.0/20', '10.16.208.0/20', '10.16.224.0/20'],
      data: ['10.16.240.0/24', '10.16.241.0/24', '10.16.242.0/24'],
    })
    expect(regions[1]?.sizes.web).toMatchObject({ min: 2, max: 6, spotShare: 0.5 })
    expect(developmentConfig().environment).toBe('development')
  })

  it.each<[string, (file: File) => void, RegExp]>([
    [
      'networks that overlap',
      (file) => {
        file.regions[1].cidr = '10.16.0.0/17'
      },
      /regions\[1\]\.cidr: 10\.16\.0\.0\/17 overlaps 10\.16\.0\.0\/16 of eu-central-1; take another, for example 10\.17\.0\.0\/16/,
    ],
    [
      'a network over that of Services',
      (file) => {
        file.regions[0].cidr = '172.20.0.0/16'
      },
      /overlaps 172\.20\.0\.0\/16 of serviceCidr/,
    ],
    [
      'a network with bits behind its prefix',
      (file) => {
        file.regions[0].cidr = '10.16.1.0/16'
      },
      /10\.16\.1\.0\/16 is no private network; write one like/,
    ],
    [
      'a public network',
      (file) => {
        file.regions[0].cidr = '8.8.0.0/16'
      },
      /8\.8\.0\.0\/16 is not private; take one of 10\.0\.0\.0\/8/,
    ],
    [
      'ports that overlap',
      (file) => {
        file.meetingCluster.sfu = { ports: { min: 40000, max: 50000 } }
      },
      /meetingCluster\.turn\.relayPorts: .*overlap.*move one of them/,
    ],
    [
      'a region that is unknown',
      (file) => {
        file.regions[0].region = 'eu-centrall-1'
      },
      /regions\[0\]\.region: eu-centrall-1 is no region that is known here; take one of us-east-1/,
    ],
    [
      'a region without three zones',
      (file) => {
        file.regions[1].region = 'us-west-1'
      },
      /us-west-1 has 2 zones, and three are needed; take one with three, like us-east-1/,
    ],
    [
      'zones of another region',
      (file) => {
        file.regions[0].zones = ['eu-central-1a', 'eu-central-1b', 'eu-west-1c']
      },
      /regions\[0\]\.zones: must be three different ones of eu-central-1a/,
    ],
    [
      'a region twice',
      (file) => {
        file.regions[1].region = 'eu-central-1'
      },
      /eu-central-1 is there twice; remove one/,
    ],
    [
      'an instance type that is unknown',
      (file) => {
        file.sizes.sfu.type = 'c6g.2xlarge'
      },
      /regions\[0\]\.sizes\.sfu\.type: is no known instance type; take one of t3\.large/,
    ],
    [
      'no domain',
      (file) => {
        delete file.domain
      },
      /domain: is missing; it is a string, as in infra\/config\/example\.yaml/,
    ],
    [
      'a domain outside of the zone',
      (file) => {
        file.zone = 'example.org'
      },
      /domain: meet\.example\.com is not in the zone example\.org; correct one/,
    ],
    [
      'spot for what holds state',
      (file) => {
        file.sizes.system.spotShare = 0.5
      },
      /sizes\.system\.spotShare: the system pool has the meter .*set it to 0/,
    ],
    [
      'spot for calls in production',
      (file) => {
        file.sizes.sfu.spotShare = 0.5
      },
      /sizes\.sfu\.spotShare: calls live on sfu nodes.*environment to development/,
    ],
    [
      'a single Redis in production',
      (file) => {
        file.sizes.redis.nodes = 1
      },
      /sizes\.redis\.nodes: one node has nothing to fail over to; take 2/,
    ],
    [
      'MySQL without a standby in production',
      (file) => {
        file.sizes.mysql.standby = false
      },
      /sizes\.mysql\.standby: .*set it to true/,
    ],
    [
      'an older version',
      (file) => {
        file.version = 0
      },
      /x\.yaml: is of version 0, and this Parley reads version 1: bring it up to date as docs\/infra\.md says/,
    ],
    [
      'no version',
      (file) => {
        delete file.version
      },
      /has no version, as drafts before version 1/,
    ],
    [
      'a newer version',
      (file) => {
        file.version = 2
      },
      /is of version 2, and this Parley reads version 1: update Parley/,
    ],
    [
      'everybody as administrator',
      (file) => {
        file.administrators = ['0.0.0.0/0']
      },
      /administrators\[0\]: 0\.0\.0\.0\/0 is nearly everybody/,
    ],
    [
      'retention that AWS does not have',
      (file) => {
        file.retention.backupDays = 90
      },
      /retention\.backupDays: must be at most 35 days/,
    ],
    [
      'a field that is misspelt',
      (file) => {
        file.regoins = []
      },
      /regoins: unknown field; remove it or correct its name/,
    ],
    [
      'a field of the MeetingCluster that is misspelt',
      (file) => {
        file.meetingCluster.sfuu = {}
      },
      /meetingCluster\.sfuu: unknown field/,
    ],
    [
      'a domain in the MeetingCluster',
      (file) => {
        file.meetingCluster.domain = 'other.example.com'
      },
      /meetingCluster\.domain: comes from the regions; remove it/,
    ],
    [
      'a network too large for Services',
      (file) => {
        file.serviceCidr = '10.0.0.0/8'
      },
      /serviceCidr: 10\.0\.0\.0\/8 must be a \/12 to \/24, which is what EKS takes/,
    ],
    [
      'a network too small for a region',
      (file) => {
        file.regions[0].cidr = '10.16.0.0/29'
      },
      /regions\[0\]\.cidr: 10\.16\.0\.0\/29 must be a \/16 to \/20/,
    ],
    [
      'a region by the name of something else',
      (file) => {
        file.regions[0].region = 'constructor'
      },
      /regions\[0\]\.region: constructor is no region that is known here/,
    ],
    [
      'an administrator who is no network',
      (file) => {
        file.administrators = ['203.0.113.7']
      },
      /administrators\[0\]: 203\.0\.113\.7 is no network; write one like .*203\.0\.113\.7\/32/,
    ],
    [
      'a version that is a text',
      (file) => {
        file.version = '1'
      },
      /is of version "1", and this Parley reads version 1/,
    ],
    [
      'a domain with a wildcard',
      (file) => {
        file.domain = '*.example.com'
      },
      /domain: is no host name: .*no wildcard/,
    ],
    [
      'a domain with other letters',
      (file) => {
        file.domain = 'bücher.example.com'
      },
      /domain: is no host name: .*other letters as xn--/,
    ],
    [
      'a domain that no certificate takes',
      (file) => {
        file.domain = `${'a.'.repeat(40)}example.com`
      },
      /domain: is longer than 64 characters/,
    ],
    [
      'a name that RDS does not take',
      (file) => {
        file.name = 'meet--dev'
      },
      /name: is no name: .*no two "-" in a row/,
    ],
    [
      'more than all of it reserved',
      (file) => {
        file.sizes.sfu.reservedShare = 1.5
      },
      /sizes\.sfu\.reservedShare: must be from 0 to 1/,
    ],
    [
      'a share that is no number',
      (file) => {
        file.sizes.sfu.reservedShare = Number.NaN
      },
      /sizes\.sfu\.reservedShare: must be a number/,
    ],
    [
      'a list that is none',
      (file) => {
        file.regions = 'eu-central-1'
      },
      /regions: must be an array, as in infra\/config\/example\.yaml/,
    ],
    [
      'TURN where the kubelet listens',
      (file) => {
        file.meetingCluster.turn = { listenPort: 10250 }
      },
      /meetingCluster\.turn\.listenPort: 10250 is the node's own, for the kubelet; take 3478/,
    ],
    [
      'more nodes than a group has',
      (file) => {
        file.sizes.sfu.max = 1e9
      },
      /sizes\.sfu\.max: /,
    ],
    [
      'fewer nodes at most than at least',
      (file) => {
        file.sizes.turn.max = 1
      },
      /sizes\.turn: min 2 is above max 1; raise max/,
    ],
  ])('with %s is refused, and the message names the fix', (_, edit, message) => {
    expect(saidOf(edit)).toMatch(message)
  })

  it('has all that is wrong said at once', () => {
    const said = saidOf((file) => {
      file.regions[0].region = 'nowhere-1'
      file.regions[1].cidr = 'all'
      file.zone = 'example.org'
    })
    expect(said.split('\n').length).toBeGreaterThanOrEqual(3)
  })

  it.each(['', '- a', '{', '42'])('that is no list of fields is refused: %j', (text) => {
    expect(() => loadConfig(text, 'x.yaml')).toThrow(/x\.yaml: (is empty|not YAML)/)
  })

  it('that would grow when it is read is refused', () => {
    const grows = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef'])
      grows.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`)
    expect(() => loadConfig(grows.join('\n'), 'x.yaml')).toThrow(/x\.yaml: not YAML: .*alias/)
  })

  it('REQ-K4: whatever it is, no two networks and no two port ranges overlap', () => {
    fc.assert(
      fc.property(anyConfig(), ({ regions, serviceCidr }) => {
        const cidrs = [
          serviceCidr,
          ...regions.flatMap(({ subnets }) => Object.values(subnets).flat()),
        ].map(parseCidr)
        cidrs.forEach((a, index) => {
          for (const b of cidrs.slice(index + 1)) expect(a && b && overlap(a, b)).toBe(false)
        })
        for (const { cidr, subnets, meetingCluster } of regions) {
          const network = parseCidr(cidr)
          for (const text of Object.values(subnets).flat()) {
            const inside = parseCidr(text)
            expect(network && inside && overlap(network, inside)).toBe(true)
          }
          const { sfu, turn } = mediaPortsOf(meetingCluster)
          const ports = [...sfu, ...turn]
          ports.forEach((a, index) => {
            for (const b of ports.slice(index + 1))
              expect(a.protocol === b.protocol && a.from <= b.to && b.from <= a.to).toBe(false)
          })
          const reserved = mediaSysctls({ sfu, turn })['net.ipv4.ip_local_reserved_ports'] ?? ''
          for (const { from, to } of ports)
            expect(reserved.split(',')).toContain(from === to ? `${from}` : `${from}-${to}`)
        }
      }),
      { numRuns: 50 },
    )
  })
})
