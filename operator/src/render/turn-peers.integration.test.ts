import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { Coturn, until } from '@parley/images/testing'
import { meetingCluster } from '../api/testing/specs.ts'
import { defaultRenderInputs } from './inputs.ts'
import { buildTurnConfig } from './turn.ts'

// coturn on a machine that may be busy.
jest.setTimeout(120_000)

const nodes = {
  'node-1': { internal: ['127.0.0.1'] },
  media: { internal: ['10.77.0.1'], advertised: '100.64.0.1' },
  other: { internal: ['10.77.0.2'], advertised: '100.64.0.2' },
  bare: { internal: ['9.9.9.9'] },
  fresh: { internal: ['10.77.0.4'], labels: { media: 'yes' } },
}

/** The files of the ConfigMap, as a pod of TURN has them mounted. */
function rendered(mediaNodes: string[]): Record<string, string> {
  const turn = { externalAddresses: [], nodeSelector: { media: 'yes' } }
  const mc = meetingCluster({ turn, sfu: { engine: 'None' } })
  const { data = {} } = buildTurnConfig(mc, defaultRenderInputs({ nodes, mediaNodes }))
  const files = { ...data, 'addresses.json': '{"node-1": "127.0.0.1"}' }
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`turn/${name}`, text]))
}

let coturn: Coturn
beforeAll(async () => {
  coturn = await Coturn.start({ 'secrets/turn/secrets': 'first\n', ...rendered(['media']) })
})
afterAll(() => coturn?.remove())

it('REQ-K3: coturn relays to nodes that have a media pod or may get one, and to no other; it follows where they are', async () => {
  const client = await coturn.client('first')
  await client.allocate()
  const errorOf = async (address: string) => (await client.permit(address)).error
  // Peers are read every five seconds, the first time when it starts.
  await until(async () => (await errorOf('10.77.0.1')) === undefined)
  expect(await errorOf('100.64.0.1')).toBeUndefined()
  expect(await errorOf('10.77.0.4')).toBeUndefined()
  for (const address of ['10.77.0.2', '100.64.0.2', '9.9.9.9', '10.77.0.3', '169.254.169.254'])
    expect([address, await errorOf(address)]).toEqual([address, 403])
  // The internet stays open: no network that is denied for good is taken for more than it is.
  for (const address of ['1.1.1.1', '9.9.9.8', '192.0.1.1', '223.255.255.254'])
    expect([address, await errorOf(address)]).toEqual([address, undefined])

  for (const [name, text] of Object.entries(rendered(['other', 'bare'])))
    await coturn.write(name, text)
  await until(async () => (await errorOf('10.77.0.2')) === undefined)
  expect(await errorOf('9.9.9.9')).toBeUndefined()
  expect(await errorOf('10.77.0.1')).toBe(403)
})
