import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execa } from 'execa'
import { meetingCluster } from '../api/testing/specs.ts'
import { buildRulesConfigMap } from './monitoring.ts'

// Days of series, on a machine that may be busy.
jest.setTimeout(120_000)

/** The rules are put to promtool, as the file that a Prometheus without its operator is given. */
describe('rules and alerts, with promtool', () => {
  const mc = meetingCluster({
    sfu: { engine: 'LiveKit' },
    cost: { budget: { monthly: '500' } },
    turn: { tls: { issuerRef: { name: 'ca', kind: 'Issuer' } } },
  })
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-rules-'))
    await writeFile(
      join(folder, 'rules.yaml'),
      buildRulesConfigMap(mc).data['parley.rules.yaml'] ?? '',
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const promtool = (...args: string[]) => execa('promtool', args, { cwd: folder, reject: false })

  it('REQ-K5: are taken', async () => {
    const { exitCode, stdout, stderr } = await promtool('check', 'rules', 'rules.yaml')
    expect(`${stdout}${stderr}`).toContain('SUCCESS: 18 rules found')
    expect(exitCode).toBe(0)
  })

  const own = 'namespace="meetings",cluster="demo"'
  /** Alerts that fired in a test. */
  const fired = new Set<string>()
  const labels = (severity: string) => ({ severity, namespace: 'meetings', cluster: 'demo' })
  const firing = async (
    series: Record<string, string>,
    alert: string,
    at: string,
    severity: string | undefined,
    more: object = {},
  ) => {
    const test = {
      rule_files: ['rules.yaml'],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
          alert_rule_test: [
            {
              ...{ eval_time: at, alertname: alert },
              exp_alerts:
                severity === undefined
                  ? []
                  : [
                      {
                        exp_labels: { ...labels(severity), ...more },
                        exp_annotations: annotations(alert),
                      },
                    ],
            },
          ],
        },
      ],
    }
    if (severity !== undefined) fired.add(alert)
    await writeFile(join(folder, 'test.yaml'), JSON.stringify(test))
    const { exitCode, stdout, stderr } = await promtool('test', 'rules', 'test.yaml')
    expect({ exitCode, said: exitCode ? `${stdout}${stderr}` : '' }).toEqual({
      exitCode: 0,
      said: '',
    })
  }
  const groups = JSON.parse(buildRulesConfigMap(mc).data['parley.rules.yaml'] ?? '').groups as {
    rules: { alert?: string; annotations?: object }[]
  }[]
  const annotations = (alert: string) =>
    groups.flatMap(({ rules }) => rules).find((rule) => rule.alert === alert)?.annotations

  it('REQ-K3: no TURN pod ready', async () => {
    const of = (deployment: string) =>
      `kube_deployment_status_replicas_ready{namespace="meetings",deployment="${deployment}"}`
    const down = { [of('demo-turn')]: '1 0x10', [of('other-turn')]: '1x10' }
    await firing(down, 'ParleyTurnDown', '2m', undefined)
    await firing(down, 'ParleyTurnDown', '4m', 'critical', { deployment: 'demo-turn' })
    await firing({ [of('other-turn')]: '0x10' }, 'ParleyTurnDown', '5m', undefined)
  })

  it('REQ-K5: the meter does not hear coturn, or is not there', async () => {
    const said = `parley_meter_subscribed{${own},region="eu"}`
    await firing({ [said]: '1x20' }, 'ParleyMeterNotSubscribed', '10m', undefined)
    await firing({ [said]: '0x20' }, 'ParleyMeterNotSubscribed', '10m', 'warning', { region: 'eu' })
    await firing({ up: '1x20' }, 'ParleyMeterNotSubscribed', '10m', 'warning')
  })

  it('REQ-K5: bytes that belong to nobody', async () => {
    const bytes = `parley_relay_bytes_total{${own},leg="turnToClient"}`
    const unattributed = `parley_relay_unattributed_bytes_total{${own}}`
    const series = (share: number) => ({
      [bytes]: '0+1000x120',
      [unattributed]: `0+${1000 * share}x120`,
    })
    await firing(series(0.02), 'ParleyRelayUnattributed', '100m', 'warning')
    await firing(series(0.001), 'ParleyRelayUnattributed', '100m', undefined)
  })

  it('REQ-K5: twice the share of participants is on relay as before', async () => {
    const series = (users: string, participants = '100x2000') => ({
      [`parley_relay_users{${own},region="eu"}`]: users,
      [`parley_signaling_participants{${own},pod="a"}`]: participants,
    })
    // A tenth for a day, then three tenths.
    const jump = series('10x1500 30x200')
    await firing(jump, 'ParleyRelayShareJump', '1600m', 'warning')
    await firing(jump, 'ParleyRelayShareJump', '1490m', undefined)
    await firing(series('10x1500 15x200'), 'ParleyRelayShareJump', '1600m', undefined)
    // Three of five are no share to speak of.
    const few = series('0x1500 3x200', '5x2000')
    await firing(few, 'ParleyRelayShareJump', '1600m', undefined)
  })

  it('REQ-K5: the month has cost more than the budget, or is going to', async () => {
    const forecast = `parley_relay_budget_forecast{${own},currency="USD"}`
    const spent = `parley_relay_budget_month_to_date{${own},currency="USD"}`
    const currency = { currency: 'USD' }
    await firing({ [forecast]: '501x90' }, 'ParleyRelayBudgetForecast', '70m', 'warning', currency)
    await firing({ [forecast]: '500x90' }, 'ParleyRelayBudgetForecast', '70m', undefined)
    await firing({ [spent]: '501x90' }, 'ParleyRelayBudgetExceeded', '10m', 'critical', currency)
    await firing({ [spent]: '499x90' }, 'ParleyRelayBudgetExceeded', '10m', undefined)
  })

  it('REQ-K5: the pace of the cost is above the budget', async () => {
    // 500 a month are 0.0114 a minute.
    const cost = `parley_relay_cost_total{${own},currency="USD"}`
    await firing({ [cost]: '0+0.013x600' }, 'ParleyRelayOverBudget', '10h', 'warning', {
      currency: 'USD',
    })
    await firing({ [cost]: '0+0.010x600' }, 'ParleyRelayOverBudget', '10h', undefined)
  })

  it('REQ-K3: no signaling pod ready, no SFU pod ready', async () => {
    for (const [alert, deployment] of [
      ['ParleySignalingDown', 'demo-signaling'],
      ['ParleySfuDown', 'demo-sfu'],
    ] as const) {
      const ready = `kube_deployment_status_replicas_ready{namespace="meetings",deployment="${deployment}"}`
      await firing({ [ready]: '0x10' }, alert, '4m', 'critical', { deployment })
      await firing({ [ready]: '1x10' }, alert, '4m', undefined)
    }
  })

  it('REQ-S4: joins fail', async () => {
    const series = (share: number) => ({
      [`video_connections_attempted_total{${own},pod="a"}`]: '0+100x60',
      [`video_connections_successful_total{${own},pod="a"}`]: `0+${100 * share}x60`,
    })
    await firing(series(0.9), 'ParleyJoinsFail', '30m', 'warning')
    await firing(series(0.99), 'ParleyJoinsFail', '30m', undefined)
  })

  it('REQ-K5: the meter cannot write its store', async () => {
    const up = `parley_meter_store_up{${own},region="eu"}`
    await firing({ [up]: '0x20' }, 'ParleyMeterStoreDown', '10m', 'warning', { region: 'eu' })
    await firing({ [up]: '1x20' }, 'ParleyMeterStoreDown', '10m', undefined)
  })

  it('REQ-S4: a certificate ends within a week, and another one of this MeetingCluster does not', async () => {
    const alert = 'ParleyCertificateExpires'
    const ends = (secret: string, used_by: string) =>
      `parley_certificate_expiry_timestamp_seconds{namespace="parley-system",cluster_namespace="meetings",cluster="demo",secret="${secret}",used_by="${used_by}"}`
    const day = 24 * 3600
    const [soon, later] = [`${6 * day}x120`, `${9 * day}x120`]
    const more = { secret: 'web', used_by: 'webapp' }
    const two = { [ends('web', 'webapp')]: soon, [ends('demo-turn-tls', 'turn')]: later }
    await firing(two, alert, '90m', 'warning', more)
    await firing({ [ends('web', 'webapp')]: later }, alert, '90m', undefined)
  })

  it('REQ-S4: each alert fires in one of these tests', () => {
    const alerts = groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []))
    expect([...fired].sort()).toEqual([...new Set(alerts)].sort())
  })
})
