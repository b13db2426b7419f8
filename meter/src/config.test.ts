import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { meterConfigFromEnv, meterVariables } from './config.ts'

const files: Record<string, string> = {
  '/redis': 'redis://:pw@redis:6379/0\n',
  '/token': 'secret\n',
  '/prices':
    'currency: USD\nasOf: 2026-11-01\ngigabyte: 1e9\negress: { internet: { tiers: [{ perGB: 1 }] } }',
  '/hole':
    'currency: USD\nasOf: 2026-11-01\ngigabyte: 1e9\negress: { internet: { tiers: [{ upToGB: 1, perGB: 1 }] } }',
  '/empty': ' \n',
  '/database-url/url': 'mysql://parley:pw@db:3306/parley\n',
  '/database/host': 'fd00::1\n',
  '/database/user': 'parley',
  '/database/password': 'p@ss/word%',
  '/database/database': 'parley',
  '/database/ca': 'PEM',
  '/half/host': 'db',
}
const readFile = (path: string) => {
  const content = files[path]
  if (content === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
  return content
}
const complete = {
  PARLEY_CLUSTER: 'demo',
  PARLEY_NAMESPACE: 'meetings',
  PARLEY_REGION: 'eu-central-1',
  REDIS_URL_FILE: '/redis',
  METER_TOKEN_FILE: '/token',
  METER_PRICES_PRESET: 'aws/eu-central-1',
}
const { METER_PRICES_PRESET: _, ...withoutPrices } = complete

describe('the meter’s configuration', () => {
  it('reads the environment and the files that it names', () => {
    expect(meterConfigFromEnv(complete, readFile)).toMatchObject({
      port: 8090,
      cluster: 'demo',
      redisUrl: 'redis://:pw@redis:6379/0',
      token: 'secret',
      storeUrl: 'sqlite:/var/lib/parley/meter.db',
      prices: [{ name: 'aws/eu-central-1' }],
      retention: { allocationDays: 35, hourDays: 397 },
      bufferAllocations: 100_000,
    })
    const own = { ...withoutPrices, METER_PRICES_FILE: '/prices' }
    expect(meterConfigFromEnv(own, readFile).prices).toMatchObject([{ name: '/prices' }])
  })

  it('REQ-H5: rolls up what servers do as the environment says, and not where it says no', () => {
    const of = (env: object) => meterConfigFromEnv({ ...complete, ...env }, readFile).traffic
    expect(of({})).toMatchObject({
      ...{ batchSize: 100, processMs: 5000, persistMs: 60_000, bufferSize: 10_000 },
      ...{ liveMs: 300_000, alertMbps: 0 },
    })
    expect(of({})).not.toHaveProperty('queueRedis')
    const given = { METRICS_BATCH_SIZE: '7', METRICS_PROCESS_INTERVAL: '250', BULL_REDIS_HOST: 'q' }
    expect(of(given)).toMatchObject({
      ...{ batchSize: 7, processMs: 250, queueRedis: { host: 'q', port: 6379 } },
    })
    expect(of({ METRICS_ENABLED: 'false' })).toBeUndefined()
    for (const wrong of [{ METRICS_ENABLED: 'no' }, { METRICS_BATCH_SIZE: '0' }])
      expect(() => of(wrong)).toThrow(/METRICS_/)
  })

  it('REQ-K5: writes report files where a folder is named, by whole hours', () => {
    expect(meterConfigFromEnv(complete, readFile)).not.toHaveProperty('reports')
    const of = (interval: string) =>
      meterConfigFromEnv(
        { ...complete, METER_REPORTS_DIR: '/reports', METER_REPORT_INTERVAL: interval },
        readFile,
      ).reports
    expect(of('1h')).toEqual({ folder: '/reports', intervalMs: 3_600_000 })
    expect(of('90m')).toEqual({ folder: '/reports', intervalMs: 7_200_000 })
    expect(of('1d')).toEqual({ folder: '/reports', intervalMs: 86_400_000 })
    expect(() => of('soon')).toThrow(/METER_REPORT_INTERVAL is no duration/)
  })

  it('takes a database from what its Secret holds, in one key or in several', () => {
    const of = (folder: string) =>
      meterConfigFromEnv({ ...complete, METER_STORE_FOLDER: folder }, readFile)
    expect(of('/database-url')).toMatchObject({ storeUrl: 'mysql://parley:pw@db:3306/parley' })
    expect(of('/database-url')).not.toHaveProperty('storeCa')
    expect(of('/database')).toMatchObject({
      storeUrl: 'mysql://parley:p%40ss%2Fword%25@[fd00::1]:3306/parley',
      storeCa: 'PEM',
    })
  })

  it.each([
    [{ ...complete, METER_STORE_FOLDER: '/half' }, /lacks user, password, database; give it/],
    [{ ...complete, PARLEY_CLUSTER: undefined }, /PARLEY_CLUSTER is not set; set it to the name/],
    [{ ...complete, METER_PORT: 'http' }, /METER_PORT must be a port/],
    [{ ...complete, REDIS_URL_FILE: '/gone' }, /REDIS_URL_FILE: cannot read \/gone/],
    [{ ...complete, METER_TOKEN_FILE: '/empty' }, /METER_TOKEN_FILE: \/empty is empty/],
    [
      { ...complete, METER_PRICES_PRESET: 'aws/mars' },
      /METER_PRICES_PRESET: no price preset "aws\/mars"/,
    ],
    [{ ...complete, METER_PRICES_FILE: '/prices' }, /one of METER_PRICES_PRESET.*not both/],
    [withoutPrices, /set one of METER_PRICES_PRESET/],
    [{ ...withoutPrices, METER_PRICES_FILE: '/hole' }, /METER_PRICES_FILE: \/hole: .*tier 1/],
  ])('names the variable and the fix: %#', (env, message) => {
    expect(() => meterConfigFromEnv(env, readFile)).toThrow(message)
  })

  it('stands in the README, every variable of it and no other', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const listed = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name)
    expect(listed.toSorted()).toEqual(meterVariables.toSorted())
  })
})
