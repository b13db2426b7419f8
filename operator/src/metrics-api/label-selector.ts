export type Labels = Readonly<Record<string, string>>

/** The text of a label selector that cannot be understood. */
export class InvalidSelector extends Error {
  override name = 'InvalidSelector'
  readonly code = 'INVALID_SELECTOR'
  constructor(text: string) {
    super(`"${text}" is no label selector: write one like cluster=demo, or cluster in (a,b)`)
  }
}

const NAME = `[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`
const VALUE = `[-A-Za-z0-9_.]*`
/** The values are taken apart afterwards: spaces and values that may be empty have no single match, but 2ⁿ. */
const SET = new RegExp(String.raw`^\s*(${NAME})\s+(in|notin)\s*\(([^()]*)\)\s*$`)
const ONE_VALUE = new RegExp(`^${VALUE}$`)
const EQUALITY = new RegExp(String.raw`^\s*(${NAME})\s*(==|=|!=)\s*(${VALUE})\s*$`)
const EXISTENCE = new RegExp(String.raw`^\s*(!?)\s*(${NAME})\s*$`)

/**
 * A label selector as in the query of a list request: requirements, separated by commas, that all have to hold.
 * Empty text selects everything.
 * Source: Kubernetes, "Labels and Selectors" (without the numeric comparisons, which no API of metrics gets).
 *
 * @throws InvalidSelector
 */
export function parseSelector(text: string): (labels: Labels) => boolean {
  if (text.trim() === '') return () => true
  const requirements = split(text).map(parseRequirement)
  return (labels) => requirements.every((holds) => holds(labels))
}

/** At commas, but for those in parentheses: they belong to a set of values. */
function split(text: string): string[] {
  const parts: string[] = []
  let start = 0
  let inside = false
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') inside = true
    else if (text[at] === ')') inside = false
    else if (text[at] === ',' && !inside) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, text.slice(start)]
}

function parseRequirement(text: string): (labels: Labels) => boolean {
  const set = SET.exec(text)
  if (set) {
    const [, key = '', operator, values = ''] = set
    const among = new Set(values.split(',').map((value) => value.trim()))
    if (![...among].every((value) => ONE_VALUE.test(value))) throw new InvalidSelector(text)
    const wanted = operator === 'in'
    return (labels) => among.has(labels[key] ?? NONE) === wanted
  }
  const equality = EQUALITY.exec(text)
  if (equality) {
    const [, key = '', operator, value] = equality
    const wanted = operator !== '!='
    return (labels) => (labels[key] === value) === wanted
  }
  const existence = EXISTENCE.exec(text)
  if (existence) {
    const [, negation, key = ''] = existence
    return (labels) => Object.hasOwn(labels, key) === (negation === '')
  }
  throw new InvalidSelector(text)
}

/** No value of a label. */
const NONE = '\0'
