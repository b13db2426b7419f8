import { discoveryDocument, type Served } from './discovery.ts'
import { type FigureSource, quantity } from './figures.ts'
import { CUSTOM, EXTERNAL, groupVersion } from './groups.ts'
import { InvalidSelector, parseSelector } from './label-selector.ts'
import type { Question } from './request.ts'

export interface Answer {
  status: number
  type: string
  body: object
}

/** The answer to somebody who may ask. @param accept header of the request */
export async function answer(
  question: Question,
  served: Served,
  figures: FigureSource,
  accept?: string,
): Promise<Answer> {
  try {
    switch (question.kind) {
      case 'document': {
        const document = discoveryDocument(question.path, served, accept)
        return document ? { status: 200, ...document } : notFound(question.path)
      }
      case 'external':
        if (!isServed(EXTERNAL.group, question.metric, served)) return notFound(question.metric)
        return ok(await externalValues(question, figures))
      case 'custom':
        if (!isServed(CUSTOM.group, question.metric, served)) return notFound(question.metric)
        return await customValues(question, figures)
    }
  } catch (error) {
    if (error instanceof InvalidSelector) return failure(400, 'BadRequest', error.message)
    throw error
  }
}

/** A metav1.Status, which Kubernetes' clients show as their own errors. */
export function failure(status: number, reason: string, message: string): Answer {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' }
  return { status, type: 'application/json', body: { ...body, message, reason, code: status } }
}

function ok(body: object): Answer {
  return { status: 200, type: 'application/json', body }
}

function notFound(what: string): Answer {
  return failure(404, 'NotFound', `there is no ${what} here`)
}

function isServed(group: string, metric: string, { groups, metrics }: Served): boolean {
  return groups.some((served) => served.group === group) && metrics.includes(metric)
}

async function externalValues(
  { namespace, metric, selector }: Extract<Question, { kind: 'external' }>,
  figures: FigureSource,
) {
  const wants = parseSelector(selector)
  const found = await figures.ofClusters({ namespace, metric, wants })
  return {
    kind: 'ExternalMetricValueList',
    apiVersion: groupVersion(EXTERNAL),
    metadata: {},
    items: found.map(({ labels, value, at }) => ({
      metricName: metric,
      metricLabels: labels,
      timestamp: timestamp(at),
      value: quantity(value),
    })),
  }
}

async function customValues(
  { namespace, pod, metric, selector, metricSelector }: Extract<Question, { kind: 'custom' }>,
  figures: FigureSource,
): Promise<Answer> {
  const picks = parseSelector(selector)
  const wants: Parameters<FigureSource['ofPods']>[0]['wants'] =
    pod === '*' ? ({ labels }) => picks(labels) : ({ name }) => name === pod
  // Of a pod there is one value of each metric, with no labels of its own.
  const isOfMetric = parseSelector(metricSelector)({})
  const found = isOfMetric ? await figures.ofPods({ namespace, metric, wants }) : []
  if (pod !== '*' && found.length === 0) return notFound(`${metric} of pod ${pod}`)
  return ok({
    kind: 'MetricValueList',
    apiVersion: groupVersion(CUSTOM),
    metadata: {},
    items: found.map(({ pod: name, value, at }) => ({
      describedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name },
      metric: { name: metric, selector: null },
      timestamp: timestamp(at),
      windowSeconds: null,
      value: quantity(value),
    })),
  })
}

/** As a metav1.Time: whole seconds. */
function timestamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
}
