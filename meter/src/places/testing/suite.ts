import { expect, it } from '@jest/globals'
import { hourMs, type MediaPod, noTraffic } from '@parley/relay-cost'
import type { Book, Store } from '../../store/store.ts'
import { start } from '../../store/testing/suite.ts'
import { Usage } from '../../usage.ts'
import { factsFrom } from '../facts.ts'

const day = 24 * hourMs

export const turnPod = (more: Partial<MediaPod> = {}): MediaPod => ({
  ...{ pod: 'pod-a', component: 'turn', node: 'n1', zone: 'eu-1a', instanceType: 'c6i.large' },
  ...{ mbps: 400, from: start, to: start },
  ...more,
})

/** An allocation on pod-a that relays a little in its first hour. */
export const onPodA = (at = start) => ({
  ...{ realm: 'pod-a.demo', username: '4000000000:acme.r1.p-1', id: '1', remote: 'c:1' },
  ...{ transport: 'udp' as const, openedAt: at, lastSeenAt: at + 1000, aliveAt: at },
  ...{ expiresAt: at + 600_000, closedAt: at + 1000 },
  hours: new Map([[at, { ...noTraffic(), turnToClientBytes: 7 }]]),
})

/**
 * What every kind of store keeps of pods.
 * @param place makes an empty place for a store; the answer opens it, each time another one
 */
export function podsSuite(place: () => () => Promise<Store>): void {
  const opened = async () => {
    const store = await place()()
    const [book] = await store.books()
    if (!book) throw new Error('no book')
    return {
      store,
      book,
      usage: new Usage(
        store,
        factsFrom(() => start + day),
      ),
    }
  }
  const hours = async (usage: Usage, asOf: number, from = start) =>
    ((await usage.nodes({ from, to: start + day }, asOf))?.milliseconds ?? 0) / hourMs

  it('REQ-K5: nodes count from when Kubernetes says to when they were seen last, also while no meter ran', async () => {
    const { store, book, usage } = await opened()
    expect(await usage.nodes({ from: start, to: start + day }, start + day)).toBeUndefined()
    await book.pods.put([turnPod()], start + hourMs)
    expect(await hours(usage, start + hourMs)).toBe(1)
    // Nobody looked for five hours, and twice at the end.
    await book.pods.put([turnPod()], start + 6 * hourMs)
    await book.pods.put([turnPod()], start + 6 * hourMs)
    // The pod has gone, another is on another node.
    const other = turnPod({ pod: 'pod-b', node: 'n2', from: start + 6 * hourMs })
    await book.pods.put([other], start + 8 * hourMs)
    expect(await hours(usage, start + 8 * hourMs)).toBe(6 + 2)
    expect(await hours(usage, start + 7 * hourMs)).toBe(6 + 1)
    expect(await usage.nodesSince()).toBe(start)
    await store.close()
  })

  it('REQ-K5: a clock that stepped ahead is taken back, also for pods that have gone meanwhile', async () => {
    const { store, book, usage } = await opened()
    await book.pods.put([turnPod()], start + hourMs)
    await book.pods.put([turnPod()], start + 400 * day)
    await book.pods.put([], start + 2 * hourMs)
    expect(await hours(usage, start + 10 * hourMs)).toBe(2)
    await store.close()
  })

  it('REQ-K5: zones come into hours that were rolled up before they were known', async () => {
    const { store, book, usage } = await opened()
    await store.merge([onPodA()])
    const zones = async () =>
      (await usage.sums({ from: start, to: start + hourMs }, ['zone'], start + 3 * hourMs))
        .filter(({ turnToClientBytes }) => turnToClientBytes > 0)
        .map(({ zone }) => zone)
    await usage.rollUp(start + 3 * hourMs)
    expect(await zones()).toEqual([''])
    await book.pods.put([turnPod()], start + 3 * hourMs)
    expect(await zones()).toEqual(['eu-1a'])
    await usage.rollUp(start + 3 * hourMs)
    expect(await zones()).toEqual(['eu-1a'])
    expect(await changed(book)).toBe(0)
    // What says nothing new touches nothing.
    await book.pods.put([turnPod()], start + 3 * hourMs)
    expect(await changed(book)).toBe(0)
    await store.close()
  })

  it('REQ-K5: when coturn was not heard is known, from the first time on', async () => {
    const { store, book, usage } = await opened()
    const minute = 60_000
    const gaps = async (from: number, to: number, asOf = start + day) =>
      (await usage.unheard({ from: start + from * hourMs, to: start + to * hourMs }, asOf)).map(
        ({ from, to }) => [(from - start) / minute, (to - start) / minute],
      )
    expect(await gaps(0, 24)).toEqual([])
    const note = (from: number, to: number) =>
      book.heard.note({ from: start + from * minute, to: start + to * minute })
    await note(30, 40)
    await note(30, 50)
    // Of two meters it is enough if one has heard it.
    await note(45, 70)
    await note(75, 300)
    await note(290, 20 * 60)
    expect(await gaps(0, 20)).toEqual([[70, 75]])
    expect(await gaps(2, 20)).toEqual([])
    // A meter that has ended; one that runs has noted it lately.
    expect(await gaps(2, 24)).toEqual([[20 * 60, 24 * 60]])
    expect(await gaps(2, 24, start + 20 * hourMs + 30_000)).toEqual([])
    expect(await gaps(22, 24)).toEqual([[22 * 60, 24 * 60]])
    await store.close()
  })

  it('REQ-K5: the region is what the meter said, or else what its usage says', async () => {
    const { store, book } = await opened()
    expect(await book.region()).toBeUndefined()
    await store.merge([onPodA()])
    await new Usage(store, async () => ({ region: 'eu-west-1' })).rollUp(start + 3 * hourMs)
    expect(await book.region()).toBe('eu-west-1')
    await book.setRegion('eu-central-1')
    await book.setRegion('eu-central-1')
    expect(await book.region()).toBe('eu-central-1')
    await store.close()
  })
}

async function changed(book: Book): Promise<number> {
  return (await book.changedHours({ from: 0, to: start + 2 * hourMs })).length
}
