import { z } from 'zod'
import { withoutEmptyDefaults } from './empty-defaults.ts'
import { GROUP, KIND, PLURAL, REPORT_KIND, REPORT_PLURAL, VERSION } from './names.ts'
import { relayCostReportSchema } from './relay-cost-report.ts'
import { meetingClusterSchema } from './schema.ts'

/** A structural schema of apiextensions.k8s.io/v1, as far as this resource needs one. */
export interface StructuralSchema {
  type?: string
  description?: string
  default?: unknown
  enum?: unknown[]
  pattern?: string
  required?: string[]
  properties?: Record<string, StructuralSchema>
  additionalProperties?: StructuralSchema
  items?: StructuralSchema
  anyOf?: StructuralSchema[]
  [keyword: string]: unknown
}

/** The CustomResourceDefinition of MeetingCluster, made from the schema. */
export function customResourceDefinition() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${PLURAL}.${GROUP}`,
      labels: { 'app.kubernetes.io/part-of': 'parley' },
    },
    spec: {
      group: GROUP,
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: 'meetingcluster',
        shortNames: ['mc'],
        categories: ['parley'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: withoutEmptyDefaults(structuralSchema()) },
          // `kubectl scale mc/demo --replicas=3` is about the TURN pods: what grows with the relayed traffic.
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.turn.replicas',
              statusReplicasPath: '.status.components.turn.ready',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: printerColumns,
        },
      ],
    },
  }
}

/** The CustomResourceDefinition of RelayCostReport. */
export function reportResourceDefinition() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${REPORT_PLURAL}.${GROUP}`,
      labels: { 'app.kubernetes.io/part-of': 'parley' },
    },
    spec: {
      group: GROUP,
      names: {
        kind: REPORT_KIND,
        listKind: `${REPORT_KIND}List`,
        plural: REPORT_PLURAL,
        singular: 'relaycostreport',
        shortNames: ['rcr'],
        categories: ['parley'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: reportSchema() },
          additionalPrinterColumns: reportColumns,
        },
      ],
    },
  }
}

const reportColumns = [
  {
    name: 'Cluster',
    type: 'string',
    description: 'The MeetingCluster.',
    jsonPath: '.spec.clusterRef.name',
  },
  { name: 'From', type: 'string', description: 'Beginning.', jsonPath: '.spec.window.from' },
  { name: 'To', type: 'string', description: 'End.', jsonPath: '.spec.window.to' },
  {
    name: 'Relayed GB',
    type: 'string',
    description: 'Gigabytes relayed.',
    jsonPath: '.report.relayedGB',
  },
  { name: 'Cost', type: 'string', description: 'Cost of the period.', jsonPath: '.report.cost' },
  {
    name: 'Currency',
    type: 'string',
    description: 'Currency of the cost.',
    jsonPath: '.report.currency',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
]

const printerColumns = [
  {
    name: 'Ready',
    type: 'string',
    description: 'Whether everything wanted is there.',
    jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  },
  { name: 'Region', type: 'string', description: 'Region.', jsonPath: '.spec.region' },
  {
    name: 'Rooms',
    type: 'integer',
    description: 'Rooms with somebody in them.',
    jsonPath: '.status.rooms',
  },
  {
    name: 'Users on relay',
    type: 'integer',
    description: 'Participants on relay now.',
    jsonPath: '.status.relay.users',
  },
  {
    name: 'Cost/h',
    type: 'string',
    description: 'Cost of relaying at the present rate, per hour.',
    jsonPath: '.status.relay.costPerHour',
  },
  {
    name: 'MTD',
    type: 'string',
    description: 'Cost of relaying since the month began.',
    jsonPath: '.status.relay.monthToDate',
  },
  {
    name: 'Currency',
    type: 'string',
    description: 'Currency of the costs.',
    jsonPath: '.status.relay.currency',
    priority: 1,
  },
  {
    name: 'Reason',
    type: 'string',
    description: 'Why it is ready or not.',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    priority: 1,
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
]

/** The schema of the whole resource, in the subset of JSON Schema that the API server takes. */
export function structuralSchema(): StructuralSchema {
  return resourceSchema(meetingClusterSchema, KIND, ['spec'])
}

/** The same of RelayCostReport. */
export function reportSchema(): StructuralSchema {
  return resourceSchema(relayCostReportSchema, REPORT_KIND, ['spec', 'report'])
}

function resourceSchema(described: z.ZodType, kind: string, required: string[]): StructuralSchema {
  const schema = toStructural(
    z.toJSONSchema(described, { io: 'input', target: 'openapi-3.0' }) as StructuralSchema,
  )
  return {
    ...schema,
    properties: {
      ...schema.properties,
      apiVersion: { type: 'string', description: `${GROUP}/${VERSION}` },
      kind: { type: 'string', description: kind },
      // The API server has a schema of its own for metadata and allows none here.
      metadata: { type: 'object' },
    },
    required,
  }
}

/**
 * Drops what zod says and a structural schema may not (it is closed anyway, by strict validation),
 * and writes the defaults of objects out: the API server tries the CEL rules on a default as it
 * stands, before the defaults of the fields within are filled in.
 */
function toStructural(schema: StructuralSchema): StructuralSchema {
  const { properties, items, additionalProperties, anyOf, minimum, maximum, ...rest } = schema
  if (rest['x-kubernetes-preserve-unknown-fields']) return rest
  if (rest['x-kubernetes-int-or-string']) return { ...rest, ...intOrString(anyOf ?? []) }
  return {
    ...rest,
    // Where the schema says nothing, zod writes the bounds of a safe integer.
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
    ...(items ? { items: toStructural(items) } : {}),
    ...(typeof additionalProperties === 'object'
      ? { additionalProperties: toStructural(additionalProperties) }
      : {}),
    ...(properties ? withProperties(properties, rest.default) : {}),
  }
}

function withProperties(
  properties: Record<string, StructuralSchema>,
  byDefault: unknown,
): StructuralSchema {
  const structural = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, toStructural(property)]),
  )
  if (typeof byDefault !== 'object') return { properties: structural }
  const ofProperties = Object.entries(structural).flatMap(([name, property]) =>
    property.default === undefined ? [] : [[name, property.default] as const],
  )
  return {
    properties: structural,
    default: { ...Object.fromEntries(ofProperties), ...byDefault },
  }
}

/** The one union that a structural schema knows; its bounds hold for the kind of value they fit. */
function intOrString(variants: StructuralSchema[]): StructuralSchema {
  const { pattern } = variants.find(({ type }) => type === 'string') ?? {}
  const { minimum } = variants.find(({ type }) => type === 'integer') ?? {}
  return {
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    ...(pattern === undefined ? {} : { pattern }),
    ...(minimum === undefined ? {} : { minimum }),
  }
}
