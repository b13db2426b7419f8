import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type ApiException, CustomObjectsApi, KubeConfig } from '@kubernetes/client-node'
import { type ControlPlane, crdsEstablished, kubectl, startControlPlane } from '@parley/devcluster'
import fc from 'fast-check'
import {
  customResourceDefinition,
  fillInEmpty,
  GROUP,
  InvalidMeetingCluster,
  type MeetingCluster,
  PLURAL,
  parseMeetingCluster,
  VERSION,
} from './index.ts'
import { completeSpec, refusedSpecs } from './testing/cases.ts'
import { looseSpecs, resource } from './testing/specs.ts'

// Servers on a machine that may be busy.
jest.setTimeout(120_000)

let cluster: ControlPlane
let api: CustomObjectsApi

beforeAll(async () => {
  cluster = await startControlPlane({ name: 'crd-test' })
  await kubectl(cluster, ['apply', '--server-side', '-f', '-'], {
    input: JSON.stringify(customResourceDefinition()),
  })
  await crdsEstablished((args) => kubectl(cluster, args))
  const config = new KubeConfig()
  config.loadFromFile(cluster.kubeconfig)
  api = config.makeApiClient(CustomObjectsApi)
}, 120_000)

afterAll(() => cluster?.stop())

/** What the API server makes of a resource, or the causes for which it refuses it. */
async function tryOut(
  body: object,
): Promise<{ accepted: MeetingCluster } | { refused: { field: string; message: string }[] }> {
  try {
    const accepted = await api.createNamespacedCustomObject({
      group: GROUP,
      version: VERSION,
      plural: PLURAL,
      namespace: 'default',
      body: { ...body, metadata: { name: 'demo' } },
      dryRun: 'All',
      fieldValidation: 'Strict',
    })
    return { accepted }
  } catch (error) {
    const { body = '{}' } = error as ApiException<string>
    const { details, message } = JSON.parse(body)
    return { refused: details?.causes ?? [{ field: '', message }] }
  }
}

describe('the API server', () => {
  it.each(refusedSpecs)('refuses $why, names the field and the fix', async (refused) => {
    const { spec, path, says, serverSays = says } = refused
    expect(await tryOut(resource(spec))).toEqual({
      refused: expect.arrayContaining([
        expect.objectContaining({ field: path, message: expect.stringContaining(serverSays) }),
      ]),
    })
  })

  it('accepts a spec with every field', async () => {
    expect(await tryOut(resource(completeSpec))).toHaveProperty('accepted')
  })

  it('refuses a misspelt field', async () => {
    expect(await tryOut(resource({ turn: { relayPort: {} } }))).toEqual({
      refused: [
        expect.objectContaining({ message: expect.stringContaining('spec.turn.relayPort') }),
      ],
    })
  })

  it('judges as parseMeetingCluster does, and fills in the same defaults', async () => {
    const verdicts = { accepted: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(looseSpecs, async (spec) => {
        const body = resource(spec)
        const remote = await tryOut(body)
        const local = parsed(body)
        if ('accepted' in remote) {
          verdicts.accepted += 1
          expect(local).toEqual(fillInEmpty(remote.accepted).spec)
        } else {
          verdicts.refused += 1
          expect({ local, remote }).toEqual({ local: expect.any(InvalidMeetingCluster), remote })
        }
      }),
      { numRuns: 100 },
    )
    expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(10)
  }, 120_000)
})

function parsed(body: object) {
  try {
    return parseMeetingCluster(body).spec
  } catch (error) {
    return error
  }
}

describe('kubectl', () => {
  beforeAll(async () => {
    await kubectl(cluster, ['apply', '-f', '-'], {
      input: JSON.stringify({ ...resource({}), metadata: { name: 'demo', namespace: 'default' } }),
    })
  })

  it('REQ-K6: get shows readiness, region, rooms, users on relay, cost per hour, month to date, age', async () => {
    const status = {
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Available',
          message: '',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
      rooms: 3,
      relay: {
        allocations: 4,
        users: 2,
        costPerHour: '0.41',
        monthToDate: '12.30',
        currency: 'USD',
      },
    }
    await kubectl(cluster, [
      'patch',
      'mc/demo',
      '--subresource=status',
      '--type=merge',
      `--patch=${JSON.stringify({ status })}`,
    ])
    const [head, row] = (await kubectl(cluster, ['get', 'mc'])).split('\n')
    expect(head?.split(/ {2,}/)).toEqual([
      'NAME',
      'READY',
      'REGION',
      'ROOMS',
      'USERS ON RELAY',
      'COST/H',
      'MTD',
      'AGE',
    ])
    expect(row?.split(/ +/).slice(0, 7)).toEqual('demo True eu-central-1 3 2 0.41 12.30'.split(' '))
  })

  it('cannot change the region', async () => {
    const patch = ['patch', 'mc/demo', '--type=merge', '--patch={"spec":{"region":"us-east-1"}}']
    await expect(kubectl(cluster, patch)).rejects.toThrow(/spec\.region.*region is immutable/)
  })

  it('explains every field', async () => {
    const text = await kubectl(cluster, ['explain', 'mc.spec.turn.relayPorts'])
    expect(text).toContain('First port of the range.')
  })
})
