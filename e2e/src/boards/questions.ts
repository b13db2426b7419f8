/** What boards and rules ask Prometheus, with what is chosen filled in. */

/** As much of Grafana's JSON as says what is asked. */
export type GrafanaBoard = {
  title: string
  panels: { type: string; title: string; targets?: { expr?: string; url?: string }[] }[]
  templating?: { list: { type: string; name: string; query?: unknown; allValue?: string }[] }
}

export type RuleGroup = {
  name: string
  interval?: string
  rules: ({ expr: string; labels?: Record<string, string> } & (
    | { record: string }
    | { alert: string }
  ))[]
}

/** `place`: the board and its panel, or the rule. */
export type Question = { place: string; query: string }

/**
 * The queries of every panel. `$__rate_interval` is what Grafana makes of it where pods are scraped every 15 s: a minute.
 *
 * @param chosen values of the variables
 */
export function questionsOf(
  { title, panels }: GrafanaBoard,
  chosen: Readonly<Record<string, string>>,
): Question[] {
  return panels.flatMap((panel) =>
    (panel.targets ?? []).flatMap(({ expr }) =>
      expr === undefined
        ? []
        : [{ place: `${title}: ${panel.title}`, query: filledIn(expr, chosen) }],
    ),
  )
}

/** Paths that panels ask the meter for. */
export function pathsOf(
  { title, panels }: GrafanaBoard,
  chosen: Readonly<Record<string, string>>,
): Question[] {
  return panels.flatMap((panel) =>
    (panel.targets ?? []).flatMap(({ url }) =>
      url === undefined
        ? []
        : [{ place: `${title}: ${panel.title}`, query: filledIn(url, chosen) }],
    ),
  )
}

/** @throws where a variable has no value */
export function filledIn(text: string, chosen: Readonly<Record<string, string>>): string {
  const all: Record<string, string> = { __rate_interval: '1m', ...chosen }
  return text.replace(/\$(?:\{([^}]+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    const value = all[braced ?? bare ?? '']
    if (value === undefined) throw new Error(`nothing is chosen for ${braced ?? bare} in ${text}`)
    return value
  })
}

/** What rules ask: of one that records, what it has recorded; of an alert, each series that it goes by. */
export function questionsOfRules(groups: readonly RuleGroup[]): Question[] {
  const asked = groups.flatMap(({ rules }) =>
    rules.flatMap((rule) => {
      if ('alert' in rule)
        return selectorsIn(rule.expr).map((query) => ({ place: `alert ${rule.alert}`, query }))
      const query = `${rule.record}{${matchers(rule.labels)}}`
      return [
        { place: `record ${rule.record}`, query },
        ...selectorsIn(rule.expr).map((query) => ({ place: `record ${rule.record}`, query })),
      ]
    }),
  )
  return [...new Map(asked.map((each) => [`${each.place} ${each.query}`, each])).values()]
}

/** Each `name{…}` of an expression. Rules write the braces always. */
export function selectorsIn(expr: string): string[] {
  return expr.match(/[a-zA-Z_:][\w:]*\{(?:[^"}]|"[^"]*")*\}/g) ?? []
}

function matchers(labels: Readonly<Record<string, string>> = {}): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')
}
