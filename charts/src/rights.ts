import {
  account,
  electsLeader,
  everywhere,
  labels,
  METRICS_API,
  metricsApi,
  NAME,
  namespace,
  object,
  oneNamespace,
  own,
  rbac,
  remembers,
  selector,
  sharded,
  watched,
  when,
} from './parts.ts'
import {
  clusterRules,
  leaseRules,
  managerRules,
  metricsApiRules,
  metricsApiSecretRules,
  rememberRules,
  reportRules,
  shardsRememberRules,
} from './rbac.ts'
import {
  both,
  type Condition,
  type Document,
  Expression,
  either,
  not,
  type Part,
  type PartMap,
  When,
} from './template.ts'
import { userRoles } from './user-roles.ts'

const RBAC = 'rbac.authorization.k8s.io'

/** The operator's own rights: see rbac.ts. */
export function rights(): Document[] {
  const file = 'rbac.yaml'
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace }]
  const bound = (kind: string, scope: PartMap, rules: Part): [PartMap, PartMap] => [
    object(`${RBAC}/v1`, kind, scope, { rules }),
    object(`${RBAC}/v1`, `${kind}Binding`, scope, {
      roleRef: { apiGroup: RBAC, kind, name: scope.name ?? '' },
      subjects,
    }),
  ]
  const documents = (condition: Condition, objects: PartMap[]): Document[] =>
    objects.map((each) => ({ file, when: both(rbac, condition), object: each }))
  const clusterReads = both(
    oneNamespace,
    when('$.Values.rbac.clusterReads', (v) => v.rbac.clusterReads),
  )
  const perInstall = new Expression(
    `printf "${NAME}-%s" $.Release.Namespace`,
    (scope) => `${NAME}-${scope.namespace}`,
  )
  const remembersElsewhere = both(oneNamespace, remembers)
  const inNamespace = [
    ...leaseRules.map((rule) => new When(electsLeader, [plainRule(rule)])),
    ...metricsApiSecretRules.map((rule) => new When(metricsApi, [plainRule(rule)])),
    ...rememberRules.map(
      (rule) => new When(both(remembersElsewhere, not(sharded)), [plainRule(rule)]),
    ),
    ...shardsRememberRules.map(
      (rule) => new When(both(remembersElsewhere, sharded), [plainRule(rule)]),
    ),
  ]
  return [
    ...documents(
      everywhere,
      bound(
        'ClusterRole',
        { name: NAME, labels },
        [...managerRules, ...reportRules, ...clusterRules].map(plainRule),
      ),
    ),
    ...documents(
      oneNamespace,
      bound(
        'Role',
        { name: `${NAME}-manager`, namespace: watched, labels },
        [...managerRules, ...reportRules].map(plainRule),
      ),
    ),
    ...documents(
      clusterReads,
      bound('ClusterRole', { name: perInstall, labels }, clusterRules.map(plainRule)),
    ),
    ...documents(
      either(electsLeader, either(metricsApi, remembersElsewhere)),
      bound('Role', own(NAME), inNamespace),
    ),
  ]
}

const plainRule = (rule: object) => rule as PartMap

/** Autoscaling metrics; the APIService is the operator's to make, so that it takes none over. */
export function metricsApiObjects(): Document[] {
  const file = 'metrics-api.yaml'
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace }]
  const binding = (metadata: PartMap, kind: string, name: string) =>
    object(`${RBAC}/v1`, `${kind === 'ClusterRole' ? 'Cluster' : ''}RoleBinding`, metadata, {
      roleRef: { apiGroup: RBAC, kind, name },
      subjects,
    })
  const withRights = both(rbac, metricsApi)
  return [
    {
      file,
      when: withRights,
      object: object(
        `${RBAC}/v1`,
        'ClusterRole',
        { name: METRICS_API, labels },
        {
          rules: metricsApiRules.map(plainRule),
        },
      ),
    },
    {
      file,
      when: withRights,
      object: binding({ name: METRICS_API, labels }, 'ClusterRole', METRICS_API),
    },
    {
      file,
      when: withRights,
      object: binding(
        { name: `${METRICS_API}-auth-reader`, namespace: 'kube-system', labels },
        'Role',
        'extension-apiserver-authentication-reader',
      ),
    },
    {
      file,
      when: metricsApi,
      object: object('v1', 'Service', own(METRICS_API), {
        spec: {
          selector,
          ports: [{ name: 'https', port: 443, targetPort: 'metrics-api' }],
        },
      }),
    },
  ]
}

export function people(): Document[] {
  const wanted = both(
    everywhere,
    when('$.Values.rbac.userRoles', (v) => v.rbac.userRoles),
  )
  return userRoles({ 'app.kubernetes.io/part-of': 'parley' }).map((role) => ({
    file: 'user-roles.yaml',
    when: wanted,
    object: role,
  }))
}
