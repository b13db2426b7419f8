import { describe, expect, it } from '@jest/globals'
import type { Signal } from '@parley/protocol'
import fc from 'fast-check'
import { FakeConnection } from '../../testing/FakeConnection.ts'
import { Negotiation } from './Negotiation.ts'

/** Two ends whose every operation and delivery happens when, and in the order that, `step` says. */
function pair(step: (what: string) => Promise<unknown>) {
  const errors: unknown[] = []
  const end = (name: string, polite: boolean, other: () => Negotiation) => {
    const connection = new FakeConnection({}, () => step(`${name} operates`))
    let delivery: Promise<unknown> = Promise.resolve()
    const negotiation: Negotiation = new Negotiation({
      connection,
      polite,
      send: (signal: Signal) => {
        // The server keeps the order of one sender's messages, and nothing else.
        delivery = delivery
          .then(() => step(`${name}'s message arrives`))
          .then(() => {
            other()
              .receive(signal)
              .catch((error) => errors.push(error))
          })
      },
    })
    connection.onnegotiationneeded = () => negotiation.offer().catch((error) => errors.push(error))
    const again = (how: 'offer' | 'repeat') => {
      if (connection.signalingState === 'have-local-offer')
        negotiation[how]().catch((error) => errors.push(error))
    }
    return { connection, negotiation, again }
  }
  const a = end('a', true, () => b.negotiation)
  const b = end('b', false, () => a.negotiation)
  return { a: a.connection, b: b.connection, again: { a: a.again, b: b.again }, errors }
}

describe('Negotiation', () => {
  it('agrees when one end offers', async () => {
    const { a, b, errors } = pair(() => Promise.resolve())
    a.change()
    await new Promise(setImmediate)
    expect(errors).toEqual([])
    expect(a.agreed).toBeDefined()
    expect(a.agreed).toEqual(b.agreed)
  })

  it('agrees when both offer at once and again, whatever the interleaving, and loses no change', async () => {
    const act = fc.record({
      end: fc.constantFrom('a' as const, 'b' as const),
      what: fc.constantFrom('change' as const, 'offer' as const, 'repeat' as const),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(act, { minLength: 1, maxLength: 8 }),
        async (scheduler, acts) => {
          const { a, b, again, errors } = pair((what) =>
            scheduler.schedule(Promise.resolve(), what),
          )
          // They come at any moment of the negotiations that earlier ones began.
          const wanted = acts.map(({ end, what }) =>
            scheduler.schedule(Promise.resolve(), `${end} wants to ${what}`).then(() => {
              if (what !== 'change') again[end](what)
              else if (end === 'a') a.change()
              else b.change()
            }),
          )
          a.change()
          await scheduler.waitIdle()
          await Promise.all(wanted)
          await scheduler.waitIdle()

          expect(errors).toEqual([])
          expect([a.signalingState, b.signalingState]).toEqual(['stable', 'stable'])
          expect(a.agreed).toBeDefined()
          expect(a.agreed).toEqual(b.agreed)
          expect([a.mismatched, b.mismatched]).toEqual([false, false])
          expect([a.settled, b.settled]).toEqual([true, true])
        },
      ),
      { numRuns: 500 },
    )
  })

  it('takes no candidate as an error that belongs to an offer it ignored', async () => {
    const connection = new FakeConnection()
    connection.addIceCandidate = () => Promise.reject(new Error('unknown ufrag'))
    const sent: Signal[] = []
    const impolite = new Negotiation({ connection, polite: false, send: (s) => sent.push(s) })
    const candidate = { candidate: { candidate: 'candidate:1', sdpMid: '0' } }
    await expect(impolite.receive(candidate)).rejects.toThrow('unknown ufrag')

    await impolite.offer()
    await impolite.receive({ description: { type: 'offer', sdp: 'o=- 1 1 IN IP4 0.0.0.0' } })
    await expect(impolite.receive(candidate)).resolves.toBeUndefined()
    expect(connection.signalingState).toBe('have-local-offer')
    expect(sent).toHaveLength(1)
  })

  it('passes over a late answer to an offer that was made anew', async () => {
    const sent: Signal[] = []
    const offering = new FakeConnection()
    const answering = new FakeConnection()
    const a = new Negotiation({ connection: offering, polite: false, send: (s) => sent.push(s) })
    const b = new Negotiation({ connection: answering, polite: true, send: (s) => sent.push(s) })
    await a.offer()
    await b.receive(sent[0] as Signal)
    await a.offer()
    await a.receive(sent[1] as Signal)
    expect(offering.signalingState).toBe('have-local-offer')

    await b.receive(sent[2] as Signal)
    await a.receive(sent[3] as Signal)
    expect(offering.mismatched).toBe(false)
    expect(offering.agreed).toEqual(answering.agreed)
  })

  it('says and takes nothing once it is closed', async () => {
    const connection = new FakeConnection()
    const sent: Signal[] = []
    const negotiation = new Negotiation({ connection, polite: true, send: (s) => sent.push(s) })
    const offer = negotiation.offer()
    negotiation.close()
    await offer
    await negotiation.receive({ description: { type: 'offer', sdp: 'a={}' } })
    await negotiation.repeat()
    expect(sent).toEqual([])
    expect(connection.signalingState).toBe('stable')
  })
})
