import {
  Block,
  both,
  type Condition,
  Expression,
  not,
  type Part,
  type PartMap,
  When,
} from './template.ts'
import type { InstallValues } from './values.ts'

/** What the objects of an installation have in common: names, labels, and the values that decide about them. */

export const NAME = 'parley-operator'
export const METRICS_API = 'parley-operator-metrics-api'
export const METRICS_PORT = 8080

export const labels = {
  'app.kubernetes.io/name': NAME,
  'app.kubernetes.io/component': 'operator',
  'app.kubernetes.io/part-of': 'parley',
}
export const selector = { 'app.kubernetes.io/name': NAME }

export const value = (
  helm: string,
  of: (values: InstallValues) => string | number | boolean,
): Expression => new Expression(helm, ({ values }) => of(values))
export const when = (helm: string, of: (values: InstallValues) => boolean): Condition => ({
  helm,
  of: ({ values }) => of(values),
})
export const given = (name: keyof InstallValues): When => {
  const helm = `$.Values.${name}`
  const isGiven = (values: InstallValues) => Object.keys(values[name] as object).length > 0
  return new When(
    when(helm, isGiven),
    block(helm, (values) => values[name] as object),
  )
}
export const block = (helm: string, of: (values: InstallValues) => object): Block =>
  new Block(helm, ({ values }) => of(values))

export const namespace = new Expression('$.Release.Namespace | quote', (scope) => scope.namespace)
export const account = value('$.Values.serviceAccount.name | quote', (v) => v.serviceAccount.name)
export const watched = value('$.Values.watchNamespace | quote', (v) => v.watchNamespace)
export const rbac = when('$.Values.rbac.create', (v) => v.rbac.create)
export const oneNamespace = when('$.Values.watchNamespace', (v) => v.watchNamespace !== '')
export const everywhere = not(oneNamespace)
export const electsLeader = when('$.Values.leaderElection.enabled', (v) => v.leaderElection.enabled)
export const remembers = when('$.Values.remember', (v) => v.remember)
export const sharded = when('gt (int $.Values.shards) 1', (v) => v.shards > 1)
export const metricsApi = both(
  everywhere,
  when('$.Values.metricsApi.enabled', (v) => v.metricsApi.enabled),
)

/** Metadata of an object in the operator's namespace. */
export function own(name: Part): PartMap {
  return { name, namespace, labels }
}

export function object(
  apiVersion: string,
  kind: string,
  metadata: PartMap,
  body: PartMap = {},
): PartMap {
  return { apiVersion, kind, metadata, ...body }
}
