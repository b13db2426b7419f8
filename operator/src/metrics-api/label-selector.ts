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
const SET = new RegExp(
  String.raw`^\s*(${NAME})\s+(in|notin)\s*\(\s*(${VALUE}(?:\s*,\s*${VALUE})*)\s*\)\s*$`,
)
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
  // Commas in parentheses belong to a set of values.
  const requirements = text.split(/,(?![^(]*\))/).map(parseRequirement)
  return (labels) => requirements.every((holds) => holds(labels))
}

function parseRequirement(text: string): (labels: Labels) => boolean {
  const set = SET.exec(text)
  if (set) {
    const [, key = '', operator, values = ''] = set
    const among = new Set(values.split(',').map((value) => value.trim()))
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
