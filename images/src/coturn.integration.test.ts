import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Coturn, until } from './testing/coturn.ts'

jest.setTimeout(120_000)

describe('coturn that runs', () => {
  let coturn: Coturn
  beforeAll(async () => {
    coturn = await Coturn.start({ 'secrets/turn/secrets': 'first\n' })
  })
  afterEach(() => coturn.forgetClients())
  afterAll(() => coturn.remove())

  it('REQ-K3: takes a new secret without a restart and refuses a dropped one, while allocations go on', async () => {
    const before = await coturn.client('first')
    expect((await before.allocate()).error).toBeUndefined()
    expect(await coturn.allocateWith('second')).toBe(401)

    await coturn.write('secrets/turn/secrets', 'first\nsecond\n')
    await coturn.says('secrets accepted: 2')
    expect(await coturn.allocateWith('first')).toBeUndefined()
    expect(await coturn.allocateWith('second')).toBeUndefined()

    await coturn.write('secrets/turn/secrets', 'second\n')
    await coturn.says('secrets accepted: 1', 2)
    expect(await coturn.allocateWith('first')).toBe(401)
    expect(await coturn.allocateWith('second')).toBeUndefined()
    // Made with the secret that is gone.
    expect(await before.refresh()).toEqual({ lifetime: 600 })
    expect(await before.permit('192.0.2.7')).toEqual({})
    expect(await before.refresh(0)).toEqual({ lifetime: 0 })

    // An empty file is somebody's accident: with no secret nobody could come in.
    await coturn.write('secrets/turn/secrets', '')
    await coturn.says('going on with the secrets and peers from before')
    expect(await coturn.allocateWith('second')).toBeUndefined()
    expect(coturn.log).not.toMatch(/first|second/)
  })

  it('REQ-K3: takes other peers without a restart; what is denied for good stays so', async () => {
    await coturn.write('secrets/turn/secrets', 'first\n')
    await coturn.says('secrets accepted: 1', 3)
    const client = await coturn.client('first')
    await client.allocate()
    const denied = async (address: string) => (await client.permit(address)).error
    expect(await denied('10.1.2.3')).toBe(403)
    expect(await denied('192.0.2.8')).toBeUndefined()

    await coturn.write('turn/more-denied-peers', '192.0.2.0/24\n')
    await coturn.write('turn/allowed-peers', '10.1.2.3\n')
    // turnserver reads them every five seconds.
    await until(async () => (await denied('192.0.2.8')) === 403)
    expect(await denied('10.1.2.3')).toBeUndefined()
    expect(await denied('10.1.2.4')).toBe(403)

    await coturn.write('turn/allowed-peers', 'nonsense\n')
    await coturn.says('allowed-peers: line 1 is no address range')
    expect(await denied('10.1.2.3')).toBeUndefined()

    await coturn.write('turn/more-denied-peers', '')
    await coturn.write('turn/allowed-peers', '')
    await until(async () => (await denied('10.1.2.3')) === 403)
    expect(await denied('192.0.2.8')).toBeUndefined()
  })

  it('REQ-K7: is waited for while it holds allocations, and says so', async () => {
    const client = await coturn.client('first')
    const { relayed } = await client.allocate()
    expect(relayed?.port).toBeGreaterThanOrEqual(coturn.relayMin)
    // Those of the tests before go a moment after coturn has agreed.
    await until(async () => (await coturn.run('turn-allocations')) === '1')
    const drained = coturn.run('turn-drain', { PARLEY_QUIET_SECONDS: '1' })
    // It counts in whole seconds, and may have begun at the end of one.
    await coturn.says(/waiting since \d+ s, for 30 s at most; allocations: 1/)
    expect(await client.refresh()).toEqual({ lifetime: 600 })
    await client.refresh(0)
    await drained
    await coturn.says('no allocation is left')
    expect(await coturn.run('turn-allocations')).toBe('0')
  })

  it('REQ-K7: is waited for no longer than it may take', async () => {
    const client = await coturn.client('first')
    await client.allocate()
    await coturn.run('turn-drain', { TURN_DRAIN_SECONDS: '1' })
    await coturn.says(/giving up after \d+ s; allocations that end: 1/)
    await client.refresh(0)
  })

  it('REQ-K7: ends at once when it is stopped, though turnserver ignores that as process 1', async () => {
    await coturn.terminate()
    expect(await coturn.exited).toBe(0)
  })
})

describe('coturn over TLS', () => {
  let coturn: Coturn
  beforeAll(async () => {
    coturn = await Coturn.start({ 'secrets/turn/secrets': 'first\n' }, { tls: true })
  })
  afterEach(() => coturn.forgetClients())
  afterAll(() => coturn.remove())

  it('REQ-K3: serves without a certificate, takes one that comes, and a renewed one, and keeps it when the next is bad', async () => {
    await coturn.says('no TURN over TLS until it is there')
    expect(await coturn.allocateWith('first')).toBeUndefined()
    await expect(coturn.certificateName()).rejects.toThrow()

    const running = await coturn.client('first')
    await running.allocate()
    await coturn.certificate('turn.example.com')
    await until(async () => (await coturn.certificateName().catch(() => '')) === 'turn.example.com')
    await coturn.certificate('renewed.example.com')
    await until(async () => (await coturn.certificateName()) === 'renewed.example.com')

    await coturn.write('secrets/tls/tls.crt', 'no certificate\n')
    await coturn.says('reading the certificate again', 3)
    await coturn.says('no certificate found')
    expect(await coturn.certificateName()).toBe('renewed.example.com')
    expect(await running.refresh()).toEqual({ lifetime: 600 })
  })
})

it('REQ-K1: coturn whose node has another external address starts anew as soon as nobody needs the old one', async () => {
  const coturn = await Coturn.start({ 'secrets/turn/secrets': 'first\n' })
  try {
    const client = await coturn.client('first')
    await client.allocate()
    await coturn.write('turn/addresses.json', '{"node-1": "203.0.113.9"}')
    await coturn.says('the external address is 203.0.113.9 now')
    expect((await client.refresh()).error).toBeUndefined()
    await client.refresh(0)
    expect(await coturn.exited).toBe(0)
    expect(coturn.log).toContain('starting anew for the external address 203.0.113.9')
  } finally {
    await coturn.remove()
  }
})
