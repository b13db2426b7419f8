import { dayMs, dayOf, hourMs, type Window } from '@parley/relay-cost'
import type { Span } from './store/store.ts'

/** What a book holds of the hours of a window. */
export type Held = {
  /** Hours that are not rolled up as they are now; they are left out. */
  changed: ReadonlySet<number>
  /** Starts of the days that are summed up. */
  days: ReadonlySet<number>
  /** Epoch ms before which only days are left. */
  hoursFrom: number
  /** Whether days will do: not where it matters which hour, or which participant, it was. */
  byDay: boolean
}

/**
 * Which rows of a book a window of whole hours is read from: of whole days their sums, of the others
 * the hours. Of what is so old that only days are left, the days that the window touches.
 */
export function tableSpans({ from, to }: Window, held: Held): Span[] {
  const spans: Span[] = []
  const take = (span: Span) => {
    const last = spans.at(-1)
    if (last?.table === span.table && last.to === span.from) last.to = span.to
    else spans.push(span)
  }
  // A day of which an hour has changed since is no longer the sum of its hours.
  const changedDays = new Set([...held.changed].map(dayOf))
  const isSummed = (day: number) => held.days.has(day) && !changedDays.has(day)
  for (let at = from; at < to; ) {
    const day = dayOf(at)
    const isWhole = at === day && day + dayMs <= to
    if (at < held.hoursFrom || (held.byDay && isWhole && isSummed(day))) {
      take({ table: 'usage_days', from: day, to: day + dayMs })
      at = day + dayMs
      continue
    }
    if (!held.changed.has(at)) take({ table: 'usage_hours', from: at, to: at + hourMs })
    at += hourMs
  }
  return spans
}
