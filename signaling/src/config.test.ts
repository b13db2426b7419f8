import { describe, expect, it } from '@jest/globals'
import { ConfigError, parseConfig } from './config.ts'

const required = {
  PARLEY_TURN_SECRET_FILE: '/s',
  PARLEY_TURN_ENDPOINTS_FILE: '/e',
  PARLEY_JOIN_KEY_FILE: '/k',
}

describe('parseConfig', () => {
  it('needs three files and nothing else', () => {
    expect(parseConfig(required)).toMatchObject({
      port: 8080,
      tenant: 'default',
      allowedOrigins: [],
      meshMax: 8,
      turnTtlSeconds: 3600,
      joinTtlSeconds: 43_200,
      graceMs: 5000,
      leaseMs: 15_000,
    })
    expect(parseConfig(required)).not.toHaveProperty('redisUrlFile')
  })

  it('names every variable that is missing, with what to do', () => {
    const failure = catching(() => parseConfig({}))
    expect(failure).toBeInstanceOf(ConfigError)
    for (const variable of Object.keys(required))
      expect(failure.message).toMatch(new RegExp(`${variable}: is not set; set it to a .*file`))
  })

  it('an SFU needs its keys and its address', () => {
    const sfu = { PARLEY_SFU_KEYS_FILE: '/l', PARLEY_SFU_API: 'http://livekit:7880' }
    const all = { ...required, ...sfu, PARLEY_SFU: 'LiveKit' }
    expect(parseConfig(all).sfu).toEqual({ keysFile: '/l', url: 'http://livekit:7880' })
    for (const variable of Object.keys(sfu))
      expect(catching(() => parseConfig({ ...all, [variable]: '' })).message).toMatch(
        new RegExp(`${variable}: is not set; set it to`),
      )
    expect(parseConfig({ ...all, PARLEY_SFU: 'None' })).not.toHaveProperty('sfu')
  })

  it.each([
    ['PORT', '70000'],
    ['PARLEY_SFU_API', 'livekit:7880'],
    ['PORT', 'http'],
    ['PARLEY_MESH_MAX', '1'],
    ['PARLEY_MESH_MAX', '2.5'],
    ['PARLEY_TENANT', 'a.b'],
    ['PARLEY_TURN_TTL_SECONDS', '0'],
    ['PARLEY_JOIN_TTL_SECONDS', 'soon'],
    ['PARLEY_GRACE_SECONDS', '-1'],
    ['PARLEY_ALLOWED_ORIGINS', 'meet.example.org'],
    ['LOG_LEVEL', 'loud'],
  ])('refuses %s=%s by its name', (variable, value) => {
    expect(catching(() => parseConfig({ ...required, [variable]: value })).message).toContain(
      `${variable}: `,
    )
  })

  it('reads origins as browsers send them', () => {
    const PARLEY_ALLOWED_ORIGINS = 'https://Meet.Example.org/, http://localhost:5173'
    expect(parseConfig({ ...required, PARLEY_ALLOWED_ORIGINS }).allowedOrigins).toEqual([
      'https://meet.example.org',
      'http://localhost:5173',
    ])
    expect(parseConfig({ ...required, PARLEY_ALLOWED_ORIGINS: '*' }).allowedOrigins).toBe('*')
  })

  it('REQ-K8: rooms come back to the mesh after some seconds, or never', () => {
    const returnMs = (seconds: string) =>
      parseConfig({ ...required, PARLEY_MESH_RETURN_SECONDS: seconds }).meshReturnMs
    expect([returnMs(''), returnMs('5'), returnMs('off')]).toEqual([
      30_000,
      5000,
      Number.MAX_SAFE_INTEGER,
    ])
    expect(catching(() => returnMs('never')).message).toContain('PARLEY_MESH_RETURN_SECONDS: ')
  })

  it('REQ-G5: pages may say how their calls are, however few messages they may send', () => {
    const eventsPerSecond = (messages: string) =>
      parseConfig({ ...required, PARLEY_MESSAGES_PER_SECOND: messages }).meetingMetrics
        ?.eventsPerSecond
    expect(['', '500', '1'].map(eventsPerSecond)).toEqual([1, 10, 0.2])
  })

  it('REQ-H5, REQ-H6: pages report, and requests are counted, as the environment says; each is turned off by itself', () => {
    const of = (env: object) => parseConfig({ ...required, ...env })
    const defaults = {
      traffic: { bufferSize: 10_000 },
      countsHttp: true,
      adminEnabled: true,
      meetingMetrics: { statsMs: 1000, emitMs: 10_000, throttleMs: 2000, ttlMs: 300_000 },
    }
    expect(of({})).toMatchObject(defaults)
    const given = {
      ...{ METRICS_BUFFER_SIZE: '45', WEBRTC_STATS_INTERVAL: '2000', REDIS_METRICS_TTL: '60' },
      ...{ WEBRTC_EMIT_THROTTLE: '20000', WEBRTC_BROADCAST_THROTTLE: '5000' },
    }
    expect(of(given)).toMatchObject({
      traffic: { bufferSize: 45 },
      meetingMetrics: { statsMs: 2000, emitMs: 20_000, throttleMs: 5000, ttlMs: 60_000 },
    })
    const { traffic, countsHttp, meetingMetrics } = defaults
    const noHistory = of({ METRICS_ENABLED: 'false' })
    expect(noHistory).toMatchObject({ countsHttp, meetingMetrics })
    expect(noHistory).not.toHaveProperty('traffic')
    const noCalls = of({ WEBRTC_METRICS_ENABLED: 'false' })
    expect(noCalls).toMatchObject({ countsHttp, traffic })
    expect(noCalls).not.toHaveProperty('meetingMetrics')
    expect(of({ METRICS_HTTP_ENABLED: 'false' })).toMatchObject({ ...defaults, countsHttp: false })
    expect(of({ PARLEY_ADMIN_ENABLED: 'false' })).toMatchObject({
      ...defaults,
      adminEnabled: false,
    })
    for (const variable of [...Object.keys(given), 'METRICS_ENABLED', 'WEBRTC_METRICS_ENABLED'])
      expect(catching(() => of({ [variable]: '-1' })).message).toContain(`${variable}: `)
  })

  it('REQ-A1: asks a meter that it has a token for', () => {
    const PARLEY_METER_API = 'http://demo-meter:8090'
    const meter = { ...required, PARLEY_METER_API }
    expect(parseConfig({ ...meter, PARLEY_METER_TOKEN_FILE: '/token' }).meter).toEqual({
      url: PARLEY_METER_API,
      tokenFile: '/token',
    })
    expect(catching(() => parseConfig(meter)).message).toContain('PARLEY_METER_TOKEN_FILE: ')
    expect(parseConfig({ ...required, PARLEY_METER_TOKEN_FILE: '/token' }).meter).toBeUndefined()
  })

  it('REQ-W5: takes an empty variable for one that is not set', () => {
    expect(parseConfig({ ...required, REDIS_URL_FILE: '', PORT: '' }).port).toBe(8080)
    for (const PARLEY_HSTS_SECONDS of ['', ' '])
      expect(parseConfig({ ...required, PARLEY_HSTS_SECONDS }).hstsSeconds).toBe(31_536_000)
  })
})

function catching(task: () => unknown): Error {
  try {
    task()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
