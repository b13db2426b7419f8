import type { Attributes } from './authorizer.ts'
import { CUSTOM, EXTERNAL, groupVersion, type ServedGroup } from './groups.ts'

/** What a request asks for. */
export type Question =
  | { kind: 'document'; path: string }
  | { kind: 'external'; namespace: string; metric: string; selector: string }
  | {
      kind: 'custom'
      namespace: string
      /** `*`: all that the selector picks. */
      pod: string
      metric: string
      selector: string
      metricSelector: string
    }

const OF_EXTERNAL = pattern(EXTERNAL, '([^/]+)')
const OF_CUSTOM = pattern(CUSTOM, 'pods/([^/]+)/([^/]+)')

function pattern(group: ServedGroup, rest: string): RegExp {
  const root = `/apis/${groupVersion(group)}`.replaceAll('.', '\\.')
  return new RegExp(`^${root}/namespaces/([^/]+)/${rest}$`)
}

/** @param target path and query, as on the first line of the request */
export function parseQuestion(target: string): Question {
  const [raw = '', query = ''] = target.split('?', 2)
  const path = raw.length > 1 ? raw.replace(/\/$/, '') : raw
  const parameters = new URLSearchParams(query)
  const selector = parameters.get('labelSelector') ?? ''
  const [, namespace, metric] = decoded(OF_EXTERNAL.exec(path))
  if (namespace && metric) return { kind: 'external', namespace, metric, selector }
  const [, podNamespace, pod, podMetric] = decoded(OF_CUSTOM.exec(path))
  if (podNamespace && pod && podMetric) {
    const metricSelector = parameters.get('metricLabelSelector') ?? ''
    const found = { namespace: podNamespace, pod, metric: podMetric }
    return { kind: 'custom', ...found, selector, metricSelector }
  }
  return { kind: 'document', path }
}

function decoded(match: RegExpExecArray | null): string[] {
  try {
    return match?.map(decodeURIComponent) ?? []
  } catch {
    return []
  }
}

/** What one has to be allowed to do, as the API server reads the same path. */
export function attributesOf(question: Question): Attributes {
  switch (question.kind) {
    case 'document':
      return { nonResourceAttributes: { path: question.path, verb: 'get' } }
    case 'external': {
      const { namespace, metric } = question
      return {
        resourceAttributes: { ...EXTERNAL, namespace, resource: metric, verb: 'list' },
      }
    }
    case 'custom': {
      const { namespace, pod, metric } = question
      return {
        resourceAttributes: {
          ...CUSTOM,
          namespace,
          resource: 'pods',
          subresource: metric,
          name: pod,
          verb: 'get',
        },
      }
    }
  }
}
