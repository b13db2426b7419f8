import { isDeepStrictEqual } from 'node:util'
import { flatRatePerRelayedUserHour, type LiveSnapshot, type LiveUpdate } from '@parley/protocol'
import type { Page } from 'playwright-core'

/** What the page shows of who is there; null before it shows anything. */
type Shown = {
  users: string | null
  relayed: string | null
  estimate: string | null
  /** The badges of the table that is open: of meetings, or of one meeting's people. */
  badges: string[]
  view: 'meetings' | 'people' | 'other'
}
/** A message of the server, and what the page showed when the next one came. */
type Told = { text: string; shown: Shown | undefined }

type ToldWindow = { told: Told[]; shownNow(): Shown }

/** Runs in the page, before all else: keeps each message that it is told. */
export function keepWhatIsTold(): void {
  const own = window as unknown as ToldWindow
  const textOf = (selector: string) => document.querySelector(selector)?.textContent ?? null
  own.told = []
  own.shownNow = () => ({
    users: textOf('[data-figure="users"] strong'),
    relayed: textOf('[data-figure="relayed"] strong'),
    estimate: textOf('[data-figure="estimate"] strong'),
    badges: [...document.querySelectorAll('.admin-table .relay-badge')].map(
      (badge) => badge.textContent ?? '',
    ),
    view: document.querySelector('.admin-room')
      ? 'people'
      : document.querySelector('.admin-tools')
        ? 'meetings'
        : 'other',
  })
  window.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      // Before anybody else hears of it, so that the page is as the last message left it.
      this.addEventListener('message', ({ data }) => {
        const last = own.told.at(-1)
        if (last) last.shown = own.shownNow()
        own.told.push({ text: String(data), shown: undefined })
      })
    }
  }
}

/** What is known after some messages, put together by itself. */
class Known {
  readonly users = new Map<string, { at: number; relayed: boolean }>()
  isTold = false

  take(text: string): void {
    const [, json] = /^4[23]\/meeting-metrics,\d*(\[.*\])$/s.exec(text) ?? []
    if (json === undefined) return
    const message = JSON.parse(json) as unknown[]
    if (message[0] === 'meeting:metrics:update')
      this.#update((message[1] as { updates: LiveUpdate[] }).updates)
    const answer = message[0] as { ok?: boolean; data?: LiveSnapshot }
    if (!answer.ok || !answer.data?.users) return
    this.#update(answer.data.users)
    this.isTold = true
  }

  #update(updates: readonly LiveUpdate[]): void {
    for (const update of updates) {
      const known = this.users.get(update.userId)
      if (known && known.at > update.at) continue
      if ('gone' in update) this.users.delete(update.userId)
      else this.users.set(update.userId, { at: update.at, relayed: update.metrics.relayed > 0 })
    }
  }

  /** As the page has to show it. */
  shown(view: Shown['view']): Shown {
    const relayed = [...this.users.values()].filter((user) => user.relayed).length
    const badges = {
      meetings: relayed > 0 ? [`${relayed} on a relay`] : [],
      people: Array.from({ length: relayed }, () => 'Relay'),
      other: [],
    }
    const cost = (flatRatePerRelayedUserHour * relayed).toFixed(2)
    return {
      ...{ users: String(this.users.size), relayed: String(relayed), view },
      ...{ estimate: `$${cost} / h`, badges: badges[view] },
    }
  }
}

/**
 * Goes through all that the page was told, message by message, of one meeting.
 *
 * @returns what it showed wrong after a message, and the counts that it showed, `users/relayed`, in their order
 */
export async function followTold(page: Page): Promise<{ wrong: object[]; counts: string[] }> {
  const told = await page.evaluate(() => {
    const { told, shownNow } = window as unknown as ToldWindow
    return told.map((one) => ({ ...one, shown: one.shown ?? shownNow() }))
  })
  const known = new Known()
  const wrong: object[] = []
  const counts: string[] = []
  for (const { text, shown } of told) {
    known.take(text)
    if (!known.isTold || shown.users === null) continue
    const right = known.shown(shown.view)
    if (!isDeepStrictEqual(shown, right)) wrong.push({ text, shown, right })
    const count = `${shown.users}/${shown.relayed}`
    if (counts.at(-1) !== count) counts.push(count)
  }
  return { wrong, counts }
}
