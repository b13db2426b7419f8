/** Pages of earlier versions, which do not say yet how their videos came. */
import type { Page } from 'playwright-core'

/** What every version's `window.__parley` has. */
type EarlierHook = {
  peers(): Promise<{ id: string; framesDecoded: number }[]>
  freezes?(): Promise<Seen[]>
  resetFreezes?(): void
}

/** As `Freeze`, in ms since the page began. */
type Seen = { peerId: string; longestMs: number; seenMs: number; framesDecoded: number }

/** Gives a page's `window.__parley`, where it has none of its own, `freezes` by asking for the frames again and again. */
export async function watchFreezesOfEarlierPages(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const everyMs = 100
    type Peer = { frames: number; lastAt: number } & Seen
    let hook: EarlierHook | undefined
    const peers = new Map<string, Peer>()
    const stands = (peer: Peer, now: number) => {
      if (now - peer.lastAt <= peer.longestMs) return
      peer.longestMs = now - peer.lastAt
      peer.seenMs = now
    }
    const look = async (of: EarlierHook) => {
      const found = await of.peers().catch(() => [])
      const now = performance.now()
      for (const { id, framesDecoded } of found) {
        const first = { peerId: id, framesDecoded: 0, longestMs: 0, seenMs: now, lastAt: now }
        const peer = peers.get(id) ?? { ...first, frames: framesDecoded }
        peers.set(id, peer)
        // A link that was made anew counts from nothing.
        const more = framesDecoded < peer.frames ? framesDecoded : framesDecoded - peer.frames
        peer.frames = framesDecoded
        stands(peer, now)
        if (more === 0) continue
        peer.framesDecoded += more
        peer.lastAt = now
      }
      setTimeout(() => void look(of), everyMs)
    }
    Object.defineProperty(window, '__parley', {
      configurable: true,
      get: () => hook,
      set(published: EarlierHook) {
        hook = published
        if (published.freezes) return
        published.freezes = async () => {
          for (const peer of peers.values()) stands(peer, performance.now())
          return [...peers.values()].map(({ peerId, longestMs, seenMs, framesDecoded }) => ({
            ...{ peerId, longestMs, seenMs, framesDecoded },
          }))
        }
        published.resetFreezes = () => {
          const now = performance.now()
          for (const peer of peers.values())
            Object.assign(peer, { longestMs: 0, seenMs: now, lastAt: now, framesDecoded: 0 })
        }
        void look(published)
      },
    })
  })
}
