/** A board as its author writes it: what is asked, in which unit, and what it means. Grafana's JSON is made of it. */
export type Board = {
  /** Of the file and of the address; at most 40 characters. */
  uid: string
  title: string
  /** One sentence: who looks here, and for what. */
  about: string
  rows: Row[]
}

export type Row = { title: string; panels: Panel[] }

type About = {
  title: string
  /** What the figure is and what to make of it. */
  description: string
  /** Of 24. */
  width: number
  /** The board that a series leads to, with its cluster chosen there: its `uid`. */
  leadsTo?: string
}

export type Panel = About &
  (
    | {
        /** `stat`: the last value; `curve`: over time; `bars`: the last value of each series. */
        kind: 'stat' | 'curve' | 'bars'
        /** A unit of Grafana's. */
        unit: string
        queries: Query[]
        /** The value from which on it is shown in amber and in red; `below`: up to which. */
        limits?: { warn: number; bad: number; below?: true }
      }
    | {
        /** Buckets of a histogram over time. */
        kind: 'heatmap'
        unit: string
        queries: [Query]
      }
    | {
        /** Each label of the series as a column. */
        kind: 'table'
        unit: string
        queries: Query[]
        columns: string[]
      }
    | {
        /** Rows of the meter's HTTP API (docs/reference/meter-api.json). */
        kind: 'rows'
        path: string
        /** Of the tenants that are chosen alone. */
        byTenant?: true
        columns: Column[]
      }
  )

/** `expr`: PromQL; `legend`: with `{{label}}`. */
export type Query = { expr: string; legend?: string }

export type Column = { field: string; title: string; type: 'string' | 'number'; unit?: string }

/** What the boards' variables choose; the region does it by the clusters that are in it. */
export const chosen = 'namespace=~"$namespace",cluster=~"$cluster"'

/** Of a metric, what the variables choose, and `more` matchers. */
export function of(metric: { name: string }, more = '', suffix = ''): string {
  return `${metric.name}${suffix}{${more ? `${chosen},${more}` : chosen}}`
}

/** Its increase a second over the range that fits the picture. */
export function rate(metric: { name: string }, more = '', range = '$__rate_interval'): string {
  return `rate(${of(metric, more)}[${range}])`
}

/** What is only there once it has happened, and until then 0 of what it is a part of. Both of the same labels. */
export function orNone(part: string, whole: string): string {
  return `(${part} or 0 * ${whole})`
}

/** Every PromQL expression of a board, with where it stands. */
export function expressionsOf(board: Board): { place: string; expr: string }[] {
  return board.rows.flatMap(({ panels }) =>
    panels.flatMap((panel) =>
      'queries' in panel
        ? panel.queries.map(({ expr }) => ({ place: `${board.uid}: ${panel.title}`, expr }))
        : [],
    ),
  )
}
