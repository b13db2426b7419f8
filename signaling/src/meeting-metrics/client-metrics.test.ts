import { describe, expect, it } from '@jest/globals'
import type { WebrtcSample } from '@parley/protocol'
import { Registry } from 'prom-client'
import { createClientMetrics } from './client-metrics.ts'

const minute: WebrtcSample = {
  ...{ tenant: 't', room: 'r', participant: 'p-1', quality: 'good', at: 0, durationMs: 60_000 },
  ...{ bytesSent: 1, bytesReceived: 1, lossPercent: 0.5, jitterMs: 1, mos: 4.1 },
  rttMs: { avg: 100, min: 90, max: 110 },
  ...{ connectedMs: 60_000, relayedMs: 15_000, reconnections: 2 },
}

async function scraped(...samples: WebrtcSample[]) {
  const registry = new Registry()
  createClientMetrics(registry).minute(samples)
  return (await registry.metrics()).split('\n')
}

describe('figures of calls', () => {
  it('REQ-A5: round trips are counted by the buckets that were asked for', async () => {
    const lines = await scraped(minute, { ...minute, rttMs: { avg: 2001, min: 1, max: 9000 } })
    expect(
      lines
        .flatMap((line) => /^video_connection_latency_ms_bucket\{le="(.+)"\} (\d)/.exec(line) ?? [])
        .filter((_, index) => index % 3 !== 0),
    ).toEqual([
      '50',
      '0',
      '100',
      '1',
      '200',
      '1',
      '500',
      '1',
      '1000',
      '1',
      '2000',
      '1',
      '+Inf',
      '2',
    ])
  })

  it('REQ-S4: minutes of 150 ms and more are counted beside them, from 0 on', async () => {
    expect(await scraped(minute)).toContain('parley_client_slow_minutes_total 0')
    const of = (avg: number) => ({ ...minute, rttMs: { avg, min: 1, max: 900 } })
    const lines = await scraped(of(149.9), of(150), of(199), { ...minute, rttMs: null })
    expect(lines).toContain('parley_client_slow_minutes_total 2')
  })

  it('REQ-A6: minutes come to the time in voice and on a relay, and to what was lost and came back', async () => {
    const lines = await scraped(minute, { ...minute, participant: 'p-2', relayedMs: 0 })
    expect(lines).toEqual(
      expect.arrayContaining([
        'parley_client_call_seconds_total 120',
        'parley_client_relayed_seconds_total 15',
        'parley_client_reconnections_total 4',
        'parley_client_mos_count 2',
        'parley_client_loss_percent_sum 1',
      ]),
    )
  })

  it('REQ-A6, REQ-M4: what is not known is in no histogram', async () => {
    const lines = await scraped({ ...minute, rttMs: null, lossPercent: null, mos: null })
    for (const name of [
      'video_connection_latency_ms',
      'parley_client_mos',
      'parley_client_loss_percent',
    ])
      expect(lines).toContain(`${name}_count 0`)
  })
})
