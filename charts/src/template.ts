/**
 * Manifests of which some parts are known only when somebody installs them. One tree serves both
 * ways out: `resolve` makes plain objects of it for given values, `helmTemplate` the text of a Helm
 * template. A test renders both and compares.
 */
import type { InstallValues } from './values.ts'

/** What a part may depend on. */
export interface Scope {
  values: InstallValues
  /** Namespace of the operator. */
  namespace: string
  /** Number of the Deployment, where there is one for each shard. */
  shard: number
}

type Scalar = string | number | boolean

/** A scalar that depends on the values. `helm` is a template pipeline without its braces. */
export class Expression {
  readonly helm: string
  readonly of: (scope: Scope) => Scalar

  constructor(helm: string, of: (scope: Scope) => Scalar) {
    this.helm = helm
    this.of = of
  }
}

/** A map or list that people give whole, such as tolerations. */
export class Block {
  readonly helm: string
  readonly of: (scope: Scope) => object

  constructor(helm: string, of: (scope: Scope) => object) {
    this.helm = helm
    this.of = of
  }
}

/** A map with fixed entries, to which people add theirs. */
export class Merged {
  readonly fixed: PartMap
  readonly more: Block

  constructor(fixed: PartMap, more: Block) {
    this.fixed = fixed
    this.more = more
  }
}

export interface Condition {
  helm: string
  of: (scope: Scope) => boolean
}

/** A field, or items of a list, that are there only under a condition. */
export class When {
  readonly condition: Condition
  readonly part: Part

  constructor(condition: Condition, part: Part) {
    this.condition = condition
    this.part = part
  }
}

export type Part = Scalar | Expression | Block | Merged | When | readonly Part[] | PartMap
export interface PartMap {
  readonly [key: string]: Part
}

/** An object of the install, and the file of the chart that it is in. */
export interface Document {
  file: string
  when?: Condition
  /** One for each shard. */
  eachShard?: boolean
  object: PartMap
}

export const not = ({ helm, of }: Condition): Condition => ({
  helm: `not (${helm})`,
  of: (scope) => !of(scope),
})

export const either = (a: Condition, b: Condition): Condition => ({
  helm: `or (${a.helm}) (${b.helm})`,
  of: (scope) => a.of(scope) || b.of(scope),
})

export const both = (a: Condition, b: Condition): Condition => ({
  helm: `and (${a.helm}) (${b.helm})`,
  of: (scope) => a.of(scope) && b.of(scope),
})

/** The plain object that a part stands for. */
export function resolve(part: Part, scope: Scope): unknown {
  if (part instanceof Expression || part instanceof Block) return part.of(scope)
  if (part instanceof When) return resolve(part.part, scope)
  if (part instanceof Merged)
    return { ...(resolve(part.fixed, scope) as object), ...part.more.of(scope) }
  if (Array.isArray(part)) {
    return part.flatMap((item: Part) => {
      if (!(item instanceof When)) return [resolve(item, scope)]
      if (!item.condition.of(scope)) return []
      const value = resolve(item.part, scope)
      return Array.isArray(value) ? value : [value]
    })
  }
  if (typeof part !== 'object') return part
  return Object.fromEntries(
    Object.entries(part as PartMap).flatMap(([key, value]) =>
      value instanceof When && !value.condition.of(scope) ? [] : [[key, resolve(value, scope)]],
    ),
  )
}

/** The text of one document of a Helm template, conditions and all, ending in a line end. */
export function helmTemplate({ object, when, eachShard }: Document): string {
  const lines = ['---', ...mapLines(object, 0)]
  if (eachShard) {
    lines.unshift('{{- range $shard := until (int $.Values.shards) }}')
    lines.push('{{- end }}')
  }
  if (when) {
    lines.unshift(`{{- if ${when.helm} }}`)
    lines.push('{{- end }}')
  }
  return `${lines.join('\n')}\n`
}

function mapLines(map: PartMap, indent: number): string[] {
  return Object.entries(map).flatMap(([key, value]) =>
    value instanceof When
      ? conditional(value.condition, entryLines(key, value.part, indent))
      : entryLines(key, value, indent),
  )
}

function entryLines(key: string, value: Part, indent: number): string[] {
  const head = `${pad(indent)}${scalarText(key)}:`
  if (isScalar(value)) return [`${head} ${scalarText(value)}`]
  if (value instanceof Block) return [head, blockLine(value.helm, indent + 2)]
  if (value instanceof Merged) {
    const more = blockLine(value.more.helm, indent + 2)
    return [
      head,
      ...mapLines(value.fixed, indent + 2),
      `{{- if ${value.more.helm} }}`,
      more,
      '{{- end }}',
    ]
  }
  if (isEmpty(value)) return [`${head} ${Array.isArray(value) ? '[]' : '{}'}`]
  return [head, ...bodyLines(value, indent + 2)]
}

function bodyLines(value: Part, indent: number): string[] {
  return Array.isArray(value) ? listLines(value, indent) : mapLines(value as PartMap, indent)
}

function listLines(list: readonly Part[], indent: number): string[] {
  return list.flatMap((item): string[] => {
    if (item instanceof When) {
      const items = Array.isArray(item.part) ? item.part : [item.part]
      return conditional(item.condition, listLines(items, indent))
    }
    if (isScalar(item)) return [`${pad(indent)}- ${scalarText(item)}`]
    const [first = '', ...rest] = bodyLines(item, indent + 2)
    if (first.trimStart().startsWith('{{-'))
      throw new Error('the first field of a list item cannot be conditional: put another first')
    return [`${pad(indent)}- ${first.trimStart()}`, ...rest]
  })
}

function conditional(condition: Condition, lines: string[]): string[] {
  return [`{{- if ${condition.helm} }}`, ...lines, '{{- end }}']
}

function blockLine(helm: string, indent: number): string {
  return `${pad(indent)}{{- toYaml ${helm} | nindent ${indent} }}`
}

function isScalar(value: Part): value is Scalar | Expression {
  return value instanceof Expression || typeof value !== 'object'
}

function isEmpty(value: Part): boolean {
  return Object.keys(value as object).length === 0
}

function scalarText(value: Scalar | Expression): string {
  if (value instanceof Expression) return `{{ ${value.helm} }}`
  if (typeof value !== 'string') return String(value)
  return isPlain(value) ? value : JSON.stringify(value).replaceAll('{{', '{{ "{{" }}')
}

/** Reads back as the same string without quotes, in every version of YAML. */
function isPlain(text: string): boolean {
  return (
    /^[A-Za-z$][\w./$-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n|nan)$/i.test(text)
  )
}

function pad(indent: number): string {
  return ' '.repeat(indent)
}
