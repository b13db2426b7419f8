import type { InfraConfig, RegionConfig } from '../config/load.ts'
import { DNS_TTL } from '../stacks/global.ts'
import { WEB_PORT } from '../stacks/network.ts'
import type { SynthesizedStack } from '../synth.ts'

type Body = Record<string, unknown>
type Box = { x: number; y: number; width: number; height: number }

const column = 600
const gap = 24
const top = 250
const regionHeight = 560

/**
 * The architecture as SVG, drawn from the synthesized stacks: addresses, ports, types and numbers are
 * those that Terraform applies.
 */
export function architectureSvg(config: InfraConfig, stacks: readonly SynthesizedStack[]): string {
  const columns = Math.max(2, config.regions.length)
  const width = columns * (column + gap) + gap
  // A region alone stands in the middle.
  const left = gap + ((columns - config.regions.length) * (column + gap)) / 2
  const height = top + regionHeight + 60
  const middle = width / 2
  const people: Box = { x: middle - 130, y: 20, width: 260, height: 56 }
  const dns: Box = { x: middle - 470, y: 120, width: 300, height: 84 }
  const cdn: Box = { x: middle - 130, y: 120, width: 260, height: 84 }
  const page: Box = { x: middle + 170, y: 120, width: 300, height: 84 }
  const resources = new Resources(stacks)
  const checks = resources.all('global', 'aws_route53_health_check').length
  const regions = config.regions.map((region, index) =>
    drawRegion(resources, region, { x: left + index * (column + gap), y: top }, { people, cdn }),
  )
  const parts = [
    arrow(bottomOf(people), topOf(cdn), 'web', `HTTPS ${WEB_PORT}`),
    line({ x: dns.x + dns.width, y: dns.y + 42 }, { x: cdn.x, y: cdn.y + 42 }, 'web'),
    line({ x: cdn.x + cdn.width, y: cdn.y + 42 }, { x: page.x, y: page.y + 42 }, 'web'),
    ...regions.map(({ frame }) => frame),
    ...regions.map(({ arrows }) => arrows),
    box(people, 'people', ['People', 'browsers, anywhere']),
    box(dns, 'edge', [
      'Route 53',
      `nearest healthy region, ${checks} health checks`,
      `a region that is down: the other, after ${DNS_TTL} s`,
    ]),
    box(cdn, 'edge', ['CloudFront', config.domain, 'page, and the way to signaling']),
    box(page, 'edge', ['S3', 'the web page', 'private, CloudFront only']),
    ...regions.map(({ boxes }) => boxes),
    legend(gap, height - 34),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${plain(`Architecture of ${config.domain}: ${config.regions.map(({ region }) => region).join(', ')}`)}</title>
<style>
  text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #1c2530 }
  .title { font-weight: 600; font-size: 14px } .small { font-size: 11.5px; fill: #4a5868 } .region { font-weight: 600; font-size: 16px }
  .over { paint-order: stroke; stroke: #f4f7fa; stroke-width: 5px }
  .frame { fill: #f4f7fa; stroke: #9db0c3 } .zone { fill: none; stroke: #b9c7d5; stroke-dasharray: 5 4 }
  .people { fill: #ffffff; stroke: #1c2530 } .edge { fill: #e8f1fb; stroke: #3f7cc0 } .media { fill: #fdf0e2; stroke: #c9781f }
  .node { fill: #ffffff; stroke: #7d8fa3 } .data { fill: #e9f5ec; stroke: #3b8a55 }
  .line { fill: none; stroke-width: 1.6 } .web-line { stroke: #3f7cc0 } .media-line { stroke: #c9781f } .data-line { stroke: #3b8a55 }
</style>
<defs>${['web', 'media', 'data'].map(marker).join('')}</defs>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
}

/** Resources by stack and type, as they are in the JSON. */
class Resources {
  readonly #stacks: Map<string, SynthesizedStack>

  constructor(stacks: readonly SynthesizedStack[]) {
    this.#stacks = new Map(stacks.map((stack) => [stack.name, stack]))
  }

  all(stack: string, type: string): Body[] {
    return Object.values(this.#stacks.get(stack)?.json.resource?.[type] ?? {})
  }

  one(stack: string, type: string): Body {
    return this.all(stack, type)[0] ?? {}
  }
}

function drawRegion(
  resources: Resources,
  { region, host }: RegionConfig,
  at: { x: number; y: number },
  { people, cdn }: { people: Box; cdn: Box },
): { frame: string; boxes: string; arrows: string } {
  const inside = at.x + 24
  const third = (column - 48 - 2 * 16) / 3
  const half = (column - 48 - 16) / 2
  const row = (y: number, index: number, width: number, height: number): Box => ({
    ...{ x: inside + index * (width + 16), y: at.y + y, width, height },
  })
  const balancer = row(84, 0, third, 92)
  const sfu = row(84, 1, third, 92)
  const turn = row(84, 2, third, 92)
  const system = row(250, 1, half, 92)
  const web = row(250, 0, half, 92)
  const redis = row(416, 0, half, 92)
  const mysql = row(416, 1, half, 92)

  const vpc = resources.one(`${region}-network`, 'aws_vpc')
  const nats = resources.all(`${region}-network`, 'aws_nat_gateway').length
  const cache = resources.one(`${region}-data`, 'aws_elasticache_replication_group')
  const database = resources.one(`${region}-data`, 'aws_db_instance')
  const kubernetes = resources.one(`${region}-cluster`, 'aws_eks_cluster')
  const nodes = (pool: string) => nodesOf(resources, region, pool)
  const ports = (pool: string) => portsOf(resources, region, pool)
  const zones = [
    { y: 54, text: 'public subnets in three zones: an address for each media node' },
    {
      y: 220,
      text: `private subnets: out through ${nats} NAT ${nats === 1 ? 'gateway' : 'gateways'}`,
    },
    { y: 386, text: 'subnets for data: no way in or out but from the nodes' },
  ]
  const frame = [
    `<rect class="frame" x="${at.x}" y="${at.y}" width="${column}" height="${regionHeight - 26}" rx="12"/>`,
    ...zones.map(
      ({ y }) =>
        `<rect class="zone" x="${inside - 12}" y="${at.y + y}" width="${column - 24}" height="140" rx="8"/>`,
    ),
  ]
  const label = (kind: string, x: number, y: number, text: string) =>
    `<text class="${kind} over" x="${x}" y="${at.y + y}">${plain(text)}</text>`
  const boxes = [
    label('region', inside, 28, region),
    label(
      'small',
      inside + 150,
      28,
      `${host}, ${vpc.cidr_block}, Kubernetes ${kubernetes.version}`,
    ),
    ...zones.map(({ y, text }) => label('small', inside, y + 17, text)),
    box(balancer, 'edge', ['Load balancer', `TLS ${WEB_PORT}`, 'no media']),
    box(sfu, 'media', ['SFU nodes', nodes('sfu'), ...ports('sfu')]),
    box(turn, 'media', ['TURN nodes', nodes('turn'), ...ports('turn')]),
    box(web, 'node', ['Web nodes', nodes('web'), 'web page, signaling']),
    box(system, 'node', ['System nodes', nodes('system'), 'operator, meter, controllers']),
    box(redis, 'data', [
      'Redis',
      `${cache.num_cache_clusters} × ${cache.node_type}`,
      `encrypted, snapshots for ${cache.snapshot_retention_limit} days`,
    ]),
    box(mysql, 'data', [
      'MySQL',
      `${database.instance_class}${database.multi_az ? ', standby in another zone' : ''}`,
      `encrypted, backups for ${database.backup_retention_period} days`,
    ]),
  ]
  const media = (target: Box) => {
    const from = { x: people.x + (target.x > people.x ? people.width : 0), y: people.y + 28 }
    // Around the boxes of the edge, and then down on the node.
    const turnAt = at.x + (target.x > people.x ? column - 8 : 8)
    const x = target.x + target.width / 2
    return path(
      [
        from,
        { x: turnAt, y: from.y },
        { x: turnAt, y: top - 18 },
        { x, y: top - 18 },
        topOf({ ...target }),
      ],
      'media',
    )
  }
  const arrows = [
    media(sfu),
    media(turn),
    path(
      [
        bottomOf(cdn),
        { x: cdn.x + cdn.width / 2, y: top - 30 },
        { x: balancer.x + balancer.width / 2, y: top - 30 },
        topOf(balancer),
      ],
      'web',
    ),
    arrow(bottomOf(balancer), { x: balancer.x + balancer.width / 2, y: web.y }, 'web'),
    arrow(bottomOf(web), topOf(redis), 'data'),
    arrow(bottomOf(system), topOf(mysql), 'data'),
  ]
  return { frame: frame.join('\n'), boxes: boxes.join('\n'), arrows: arrows.join('\n') }
}

function nodesOf(resources: Resources, region: string, pool: string): string {
  const groups = resources
    .all(`${region}-cluster`, 'aws_eks_node_group')
    .filter(({ labels }) => (labels as Body)['parley.dev/pool'] === pool)
  const scaling = groups.map(({ scaling_config }) => scaling_config as Record<string, number>)
  const sum = (field: string) => scaling.reduce((all, one) => all + (one[field] ?? 0), 0)
  const [type = ''] = (groups[0]?.instance_types ?? []) as string[]
  const spot = groups.some(({ capacity_type }) => capacity_type === 'SPOT') ? ', some spot' : ''
  return `${sum('min_size')} to ${sum('max_size')} × ${type}${spot}`
}

/** What the security group of a pool opens to everybody: a line for each protocol. */
function portsOf(resources: Resources, region: string, pool: string): string[] {
  const rules = resources
    .all(`${region}-cluster`, 'aws_vpc_security_group_ingress_rule')
    .filter(({ security_group_id }) => String(security_group_id).includes(`.${pool}-group.`))
  return ['udp', 'tcp'].flatMap((protocol) => {
    const ports = rules
      .filter(({ ip_protocol }) => ip_protocol === protocol)
      .map(({ from_port, to_port }) =>
        from_port === to_port ? `${from_port}` : `${from_port}–${to_port}`,
      )
    return ports.length > 0 ? [`${protocol.toUpperCase()} ${ports.join(', ')}`] : []
  })
}

function box({ x, y, width, height }: Box, kind: string, [title = '', ...lines]: string[]): string {
  const first = y + Math.max(22, (height - lines.length * 18) / 2 + 4)
  const texts = lines.map(
    (text, index) =>
      `<text class="small" x="${x + width / 2}" y="${first + 19 + index * 18}" text-anchor="middle">${plain(text)}</text>`,
  )
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>
<text class="title" x="${x + width / 2}" y="${first}" text-anchor="middle">${plain(title)}</text>
${texts.join('\n')}`
}

type Point = { x: number; y: number }

const topOf = ({ x, y, width }: Box): Point => ({ x: x + width / 2, y })
const bottomOf = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height })

function path(points: readonly Point[], kind: string): string {
  const d = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join(' ')
  return `<path class="line ${kind}-line" d="${d}" marker-end="url(#${kind})"/>`
}

function arrow(from: Point, to: Point, kind: string, label = ''): string {
  const text = label
    ? `\n<text class="small" x="${(from.x + to.x) / 2 + 8}" y="${(from.y + to.y) / 2 + 4}">${plain(label)}</text>`
    : ''
  return path([from, to], kind) + text
}

function line(from: Point, to: Point, kind: string): string {
  return `<path class="line ${kind}-line" d="M${from.x} ${from.y} L${to.x} ${to.y}"/>`
}

function marker(kind: string): string {
  return `<marker id="${kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" class="${kind}-line" style="fill: ${{ web: '#3f7cc0', media: '#c9781f', data: '#3b8a55' }[kind]}"/></marker>`
}

function legend(x: number, y: number): string {
  const entries: [string, string][] = [
    ['web', 'page and signaling'],
    ['media', 'audio and video, straight to the nodes'],
    ['data', 'rooms, metrics, what was relayed'],
  ]
  return entries
    .map(([kind, text], index) => {
      const at = x + index * 300
      return `${line({ x: at, y }, { x: at + 34, y }, kind)}
<text class="small" x="${at + 42}" y="${y + 4}">${plain(text)}</text>`
    })
    .join('\n')
}

function plain(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
