import { reportSchema, type StructuralSchema, structuralSchema } from './crd.ts'
import { API_VERSION, KIND, REPORT_KIND } from './names.ts'

/** The reference of the resource as Markdown, made from the CRD's own schema. */
export function crdReferenceMarkdown(): string {
  const schema = structuralSchema()
  const spec = schema.properties?.spec ?? {}
  const status = schema.properties?.status ?? {}
  const sections = Object.entries(spec.properties ?? {})
  const scalars = sections.filter(([, field]) => !isObject(field))
  const objects = sections.filter(([, field]) => isObject(field))
  return [
    `# ${KIND}`,
    '',
    '<!-- Made from the schema by `npm run generate`: edit operator/src/api/schema.ts. -->',
    '',
    `\`${API_VERSION}\`, short name \`mc\`. ${schema.description}`,
    '',
    'Only `spec.domain` and `spec.region` are required. `kubectl explain mc.spec` says the same.',
    '',
    '## spec',
    '',
    ...table('spec', Object.fromEntries(scalars), spec.required ?? []),
    ...rules('spec', spec),
    ...objects.flatMap(([name, field]) => section(`spec.${name}`, field)),
    ...section('status', status),
  ]
    .join('\n')
    .concat('\n')
}

/** The same of RelayCostReport. */
export function reportReferenceMarkdown(): string {
  const schema = reportSchema()
  return [
    `# ${REPORT_KIND}`,
    '',
    '<!-- Made from the schema by `npm run generate`: edit operator/src/api/relay-cost-report.ts. -->',
    '',
    `\`${API_VERSION}\`, short name \`rcr\`. ${schema.description}`,
    '',
    'There is one for each of the last 24 intervals (`spec.cost.reportInterval` of the MeetingCluster, in whole hours) and one for each of the last 31 days (UTC). The report of the present day is renewed with each interval. They are small: the rooms and tenants that cost most, not all. `parley cost report` asks the meter for any window and every row.',
    ...section('spec', schema.properties?.spec ?? {}),
    ...section('report', schema.properties?.report ?? {}),
  ]
    .join('\n')
    .concat('\n')
}

function section(path: string, schema: StructuralSchema): string[] {
  return [
    '',
    `## ${path}`,
    '',
    schema.description ?? '',
    '',
    ...table(path, schema.properties ?? {}, schema.required ?? []),
    ...rules(path, schema),
  ]
}

function table(
  path: string,
  properties: Record<string, StructuralSchema>,
  required: string[],
): string[] {
  return [
    '| field | type | default | meaning |',
    '|---|---|---|---|',
    ...rows(path, properties, required),
  ]
}

function rows(
  path: string,
  properties: Record<string, StructuralSchema>,
  required: string[],
): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const fieldPath = `${path}.${name}`
    const item = field.items ?? field.additionalProperties ?? {}
    const [within, suffix] = isObject(field) ? [field, ''] : [item, field.items ? '[]' : '.*']
    return [
      `| \`${fieldPath}\` | ${cell(typeName(field))} | ${cell(defaultText(field, required.includes(name)))} | ${cell(field.description ?? '')} |`,
      ...rows(`${fieldPath}${suffix}`, within.properties ?? {}, within.required ?? []),
    ]
  })
}

interface Validation {
  message: string
  fieldPath?: string
}

/** What the rules say when they are broken, which is what they ask for. */
function rules(path: string, schema: StructuralSchema): string[] {
  const messages = [...messagesOf(path, schema)]
  if (messages.length === 0) return []
  return ['', 'Refused:', '', ...messages.map((message) => `- ${message}`)]
}

function* messagesOf(path: string, schema: StructuralSchema): Generator<string> {
  const own = (schema['x-kubernetes-validations'] ?? []) as Validation[]
  for (const { message, fieldPath = '' } of own) yield `\`${path}${fieldPath}\`: ${cell(message)}`
  if (path === 'spec') return // Its fields have sections of their own.
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    yield* messagesOf(`${path}.${name}`, field)
  }
  if (schema.items) yield* messagesOf(`${path}[]`, schema.items)
}

function isObject(schema: StructuralSchema): boolean {
  return schema.type === 'object' && schema.properties !== undefined
}

function typeName(schema: StructuralSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' \\| ')
  if (schema['x-kubernetes-int-or-string']) return 'integer or string'
  if (schema.items) return `list of ${typeName(schema.items)}`
  if (schema.additionalProperties) return `map to ${typeName(schema.additionalProperties)}`
  const { minimum, maximum } = schema
  if (minimum !== undefined && maximum !== undefined) return `${schema.type} ${minimum}–${maximum}`
  return schema.type ?? 'any'
}

function defaultText(schema: StructuralSchema, required: boolean): string {
  if (required) return '*required*'
  if (schema.default === undefined || isObject(schema)) return ''
  return `\`${JSON.stringify(schema.default)}\``
}

function cell(text: string): string {
  return text
    .replaceAll('\n', ' ')
    .replaceAll(/(?<!\\)\|/g, '\\|')
    .replaceAll('<', '&lt;')
}
