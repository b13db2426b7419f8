import { describe, expect, it } from '@jest/globals'
import type { LinkReport } from '@parley/protocol'
import { Registry } from 'prom-client'
import { createLinkMetrics } from './link-metrics.ts'

const report = (over: Partial<LinkReport> = {}): LinkReport => ({
  ...{ link: 0, ageMs: 1500, peer: null, policy: 'all', errors: [], mappingVaries: false },
  gathered: { host: true, srflx: false, relay: true },
  answered: { udp: true, tcp: false, tls: false },
  ...{ failedPairs: 0, ended: false, selected: { local: 'host', remote: 'host' } },
  ...over,
})

describe('metrics of links', () => {
  it('REQ-A6: how long a link took to connect is counted once, when it is connected', async () => {
    const registry = new Registry()
    const take = createLinkMetrics(registry)
    const { selected: _, ...unconnected } = report()
    take('p-ann', { ...unconnected, link: 1 })
    take('p-ann', report())
    take('p-ann', report({ ageMs: 60_000 }))
    take('p-ben', report({ ageMs: 4000 }))
    take('p-ben', report({ link: 7, ageMs: 90_000, ended: true }))
    const text = await registry.metrics()
    expect(text).toContain('parley_client_connect_seconds_count 2')
    expect(text).toContain('parley_client_connect_seconds_sum 5.5')
  })

  it('REQ-A6: errors are counted by kind, whatever pages say', async () => {
    const registry = new Registry()
    const take = createLinkMetrics(registry)
    for (let code = 300; code < 800; code++)
      take('p-ann', report({ errors: [{ transport: 'udp', code }] }))
    take('p-ann', report({ errors: [{ transport: 'udp', code: 701 }] }))
    const text = await registry.metrics()
    const errors = text.split('\n').filter((line) => line.startsWith('parley_client_ice_errors'))
    // Of three transports, the kinds: each is there from the beginning, at 0.
    expect(errors).toHaveLength(12)
    expect(text).toContain('{transport="udp",kind="no answer"} 1')
    expect(text).toContain('{transport="udp",kind="credentials"} 2')
  })
})
