import type { MeetingCluster } from '../api/index.ts'
import type { NodeFacts } from './inputs.ts'

/** Components whose pods are on the host network. */
type MediaComponent = 'turn' | 'sfu'
type Placement = MeetingCluster['spec'][MediaComponent]
type Toleration = Placement['tolerations'][number]
type Taint = NonNullable<NodeFacts['taints']>[number]

/**
 * Whether the scheduler would let a pod of these settings onto a node, room aside: labels, taints, and the node
 * affinity that it insists on. Undefined: only the scheduler knows.
 */
export function fits(placement: Placement, name: string, node: NodeFacts): boolean | undefined {
  const { nodeSelector, tolerations, affinity } = placement
  const { labels = {}, taints = [] } = node
  if (!Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)) return false
  if (!taints.every((taint) => tolerations.some((one) => tolerates(one, taint)))) return false
  const { nodeAffinity, ...ofPods } = affinity
  return and([meets(nodeAffinity, name, labels), Object.keys(ofPods).length > 0 ? undefined : true])
}

/**
 * Whether a pod may be on a node some day. What passes keeps none away for good: that a node is not ready, is
 * cordoned or has little room, which Kubernetes says with taints of its own.
 */
export function mayRunOn(placement: Placement, name: string, node: NodeFacts): boolean {
  const taints = (node.taints ?? []).filter(({ key }) => !PASSING_TAINT.test(key))
  return fits(placement, name, { ...node, taints }) !== false
}

const PASSING_TAINT = /^node\.(cloudprovider\.)?kubernetes\.io\//

/** As https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ has it. */
function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint) {
  if (effect !== undefined && effect !== taint.effect) return false
  if (key === undefined) return operator === 'Exists'
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''))
}

/**
 * As k8s.io/component-helpers/scheduling/corev1/nodeaffinity has it: one of the terms, and of that one all; a term
 * that asks for nothing is met by no node. The schema takes anything for an affinity, so what is none is not known.
 */
function meets(affinity: unknown, name: string, labels: Record<string, string>) {
  const required = memberOf(affinity, 'requiredDuringSchedulingIgnoredDuringExecution')
  if (required === undefined || required === null) return true
  const terms = memberOf(required, 'nodeSelectorTerms')
  if (!Array.isArray(terms)) return undefined
  return or(
    terms.map((term) => {
      const ofLabels = listOf(memberOf(term, 'matchExpressions'))
      const ofFields = listOf(memberOf(term, 'matchFields'))
      if (!ofLabels || !ofFields) return undefined
      if (ofLabels.length + ofFields.length === 0) return false
      return and([
        ...ofLabels.map((each) => holds(each, labels)),
        ...ofFields.map((each) => holds(each, { 'metadata.name': name })),
      ])
    }),
  )
}

function holds(requirement: unknown, labels: Record<string, string>): boolean | undefined {
  const values = listOf(memberOf(requirement, 'values'))
  const key = memberOf(requirement, 'key')
  if (typeof key !== 'string' || !values) return undefined
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (memberOf(requirement, 'operator')) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0])
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0])
    default:
      return undefined
  }
}

function memberOf(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null
    ? (object as Record<string, unknown>)[key]
    : undefined
}

/** Undefined where it is no list; one that is left out is empty. */
function listOf(value: unknown): unknown[] | undefined {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : undefined
}

function and(parts: readonly (boolean | undefined)[]): boolean | undefined {
  if (parts.includes(false)) return false
  return parts.includes(undefined) ? undefined : true
}

function or(parts: readonly (boolean | undefined)[]): boolean | undefined {
  if (parts.includes(true)) return true
  return parts.includes(undefined) ? undefined : false
}
