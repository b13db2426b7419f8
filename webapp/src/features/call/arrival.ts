/**
 * How a page was come to: `refresh` is of the page that the tab showed, `kept` of one that the browser brings back (a step
 * back, a session restored, a tab copied), `unknown` where it cannot tell yet.
 */
export type Arrival = { by: 'link' | 'refresh' | 'kept' | 'unknown'; pathname: string }

/** Of the page itself, and not of where its own links have led since. */
export function arrivalOf(entries: PerformanceEntryList): Arrival {
  const [entry] = entries as PerformanceNavigationTiming[]
  if (!entry) return { by: 'unknown', pathname: '' }
  const by = entry.type === 'navigate' ? 'link' : entry.type === 'reload' ? 'refresh' : 'kept'
  return { by, pathname: new URL(entry.name).pathname }
}

export const ownArrival = () => arrivalOf(performance.getEntriesByType('navigation'))
