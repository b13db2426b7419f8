import { customResourceDefinition } from '@parley/operator/api'
import { DEFAULT_IMAGES, imageReference } from '@parley/operator/render'
import { ApiObject, App, Chart } from 'cdk8s'
import {
  clusterRules,
  leaseRules,
  managerRules,
  metricsApiRules,
  metricsApiSecretRules,
} from './rbac.ts'
import {
  Block,
  both,
  type Condition,
  type Document,
  Expression,
  either,
  Merged,
  not,
  type Part,
  type PartMap,
  resolve,
  When,
} from './template.ts'
import { userRoles } from './user-roles.ts'
import { type GivenValues, type InstallValues, installValues } from './values.ts'

export interface InstallOptions {
  /** Namespace of the operator, which is made too. */
  namespace: string
  /** What a Helm chart calls values; what is not given has its default. */
  values?: GivenValues
}

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
}

/** All that `kubectl apply -f -` needs for a working operator, as YAML, in the order to apply it. */
export function installManifests(options: InstallOptions): string {
  return synthesize(installObjects(options))
}

/** The custom resources alone. */
export function crdManifests(): string {
  return synthesize([customResourceDefinition() as unknown as Manifest])
}

/** The same as `installManifests`, as plain objects. */
export function installObjects({ namespace, values: given }: InstallOptions): Manifest[] {
  const scope = { values: installValues(given), namespace, shard: 0 }
  const documents = [namespaceOf(scope), ...installDocuments()]
  return documents.flatMap(({ object, when, eachShard }) => {
    if (when && !when.of(scope)) return []
    const count = eachShard ? scope.values.shards : 1
    return Array.from(
      { length: count },
      (_, shard) => resolve(object, { ...scope, shard }) as Manifest,
    )
  })
}

function synthesize(objects: readonly Manifest[]): string {
  const app = new App()
  const chart = new Chart(app, 'parley', { disableResourceNameHashes: true })
  for (const object of objects) {
    const { namespace = '', name } = object.metadata
    new ApiObject(chart, [object.kind, namespace, name].join('-'), object)
  }
  return app.synthYaml()
}

const NAME = 'parley-operator'
const METRICS_API = 'parley-operator-metrics-api'
const METRICS_PORT = 8080
const HEALTH_PORT = 8081
const METRICS_API_PORT = 8443
const RBAC = 'rbac.authorization.k8s.io'

const labels = {
  'app.kubernetes.io/name': NAME,
  'app.kubernetes.io/component': 'operator',
  'app.kubernetes.io/part-of': 'parley',
}
const selector = { 'app.kubernetes.io/name': NAME }

const value = (
  helm: string,
  of: (values: InstallValues) => string | number | boolean,
): Expression => new Expression(helm, ({ values }) => of(values))
const when = (helm: string, of: (values: InstallValues) => boolean): Condition => ({
  helm,
  of: ({ values }) => of(values),
})
const given = (name: keyof InstallValues): When => {
  const helm = `$.Values.${name}`
  const isGiven = (values: InstallValues) => Object.keys(values[name] as object).length > 0
  return new When(
    when(helm, isGiven),
    block(helm, (values) => values[name] as object),
  )
}
const block = (helm: string, of: (values: InstallValues) => object): Block =>
  new Block(helm, ({ values }) => of(values))

const namespace = new Expression('$.Release.Namespace | quote', (scope) => scope.namespace)
const account = value('$.Values.serviceAccount.name | quote', (v) => v.serviceAccount.name)
const watched = value('$.Values.watchNamespace | quote', (v) => v.watchNamespace)
const rbac = when('$.Values.rbac.create', (v) => v.rbac.create)
const oneNamespace = when('$.Values.watchNamespace', (v) => v.watchNamespace !== '')
const everywhere = not(oneNamespace)
const electsLeader = when('$.Values.leaderElection.enabled', (v) => v.leaderElection.enabled)
const sharded = when('gt (int $.Values.shards) 1', (v) => v.shards > 1)
const metricsApi = both(
  everywhere,
  when('$.Values.metricsApi.enabled', (v) => v.metricsApi.enabled),
)
const imageTag = '($.Values.image.tag | default $.Chart.AppVersion)'
const tagOf = (values: InstallValues) => values.image.tag || DEFAULT_IMAGES.tag

/** Not in the Helm chart: there it is `--create-namespace`. */
function namespaceOf({
  namespace,
  values,
}: {
  namespace: string
  values: InstallValues
}): Document {
  // TURN pods run on the host network; where they share the operator's namespace it must let them.
  const standard = values.watchNamespace === namespace ? 'privileged' : 'restricted'
  return {
    file: '',
    object: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: { ...labels, 'pod-security.kubernetes.io/enforce': standard },
      },
    },
  }
}

/** Every object of the install but the namespace, in the order to apply them. */
export function installDocuments(): Document[] {
  return [
    {
      file: 'crds.yaml',
      when: when('$.Values.crds.install', (v) => v.crds.install),
      object: crd(),
    },
    {
      file: 'serviceaccount.yaml',
      when: when('$.Values.serviceAccount.create', (v) => v.serviceAccount.create),
      object: {
        ...object('v1', 'ServiceAccount', {
          ...own(account),
          annotations: new When(
            when(
              '$.Values.serviceAccount.annotations',
              (v) => Object.keys(v.serviceAccount.annotations).length > 0,
            ),
            block('$.Values.serviceAccount.annotations', (v) => v.serviceAccount.annotations),
          ),
        }),
        automountServiceAccountToken: false,
      },
    },
    ...rights(),
    ...metricsApiObjects(),
    ...people(),
    {
      file: 'service.yaml',
      object: object('v1', 'Service', own(NAME), {
        spec: {
          selector,
          ports: [{ name: 'metrics', port: METRICS_PORT, targetPort: 'metrics' }],
        },
      }),
    },
    {
      file: 'poddisruptionbudget.yaml',
      when: when('$.Values.podDisruptionBudget.enabled', (v) => v.podDisruptionBudget.enabled),
      object: object('policy/v1', 'PodDisruptionBudget', own(NAME), {
        spec: {
          maxUnavailable: 1,
          unhealthyPodEvictionPolicy: 'AlwaysAllow',
          selector: { matchLabels: selector },
        },
      }),
    },
    networkPolicy(),
    serviceMonitor(),
    {
      file: 'deployment.yaml',
      when: not(sharded),
      object: object('apps/v1', 'Deployment', own(NAME), { spec: deploymentSpec() }),
    },
    {
      file: 'deployment.yaml',
      when: sharded,
      eachShard: true,
      object: object('apps/v1', 'Deployment', own(shardName), { spec: deploymentSpec(shardLabel) }),
    },
  ]
}

const shardName = new Expression(`printf "${NAME}-%d" $shard`, ({ shard }) => `${NAME}-${shard}`)
const shardLabel = {
  'parley.dev/shard': new Expression('$shard | quote', ({ shard }) => String(shard)),
}

function own(name: Part): PartMap {
  return { name, namespace, labels }
}

function object(apiVersion: string, kind: string, metadata: PartMap, body: PartMap = {}): PartMap {
  return { apiVersion, kind, metadata, ...body }
}

function crd(): PartMap {
  const plain = customResourceDefinition() as unknown as PartMap & { metadata: PartMap }
  const keep = when('$.Values.crds.keep', (v) => v.crds.keep)
  const annotations = { ...(plain.metadata.annotations as PartMap | undefined) }
  // Helm removes what it installed; every MeetingCluster would go with this.
  const kept = { ...annotations, 'helm.sh/resource-policy': 'keep' }
  return { ...plain, metadata: { ...plain.metadata, annotations: new When(keep, kept) } }
}

/** The operator's own rights: see rbac.ts. */
function rights(): Document[] {
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
  const inNamespace = [
    ...leaseRules.map((rule) => new When(electsLeader, [plainRule(rule)])),
    ...metricsApiSecretRules.map((rule) => new When(metricsApi, [plainRule(rule)])),
  ]
  return [
    ...documents(
      everywhere,
      bound(
        'ClusterRole',
        { name: NAME, labels },
        [...managerRules, ...clusterRules].map(plainRule),
      ),
    ),
    ...documents(
      oneNamespace,
      bound(
        'Role',
        { name: `${NAME}-manager`, namespace: watched, labels },
        managerRules.map(plainRule),
      ),
    ),
    ...documents(
      clusterReads,
      bound('ClusterRole', { name: perInstall, labels }, clusterRules.map(plainRule)),
    ),
    ...documents(either(electsLeader, metricsApi), bound('Role', own(NAME), inNamespace)),
  ]
}

const plainRule = (rule: object) => rule as PartMap

/** Autoscaling metrics; the APIService is the operator's to make, so that it takes none over. */
function metricsApiObjects(): Document[] {
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

function people(): Document[] {
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

function networkPolicy(): Document {
  const port = (number: Part, protocol = 'TCP') => ({ port: number, protocol })
  const apiServer = block('$.Values.networkPolicy.apiServer', (v) => v.networkPolicy.apiServer)
  return {
    file: 'networkpolicy.yaml',
    when: when('$.Values.networkPolicy.enabled', (v) => v.networkPolicy.enabled),
    object: object('networking.k8s.io/v1', 'NetworkPolicy', own(NAME), {
      spec: {
        podSelector: { matchLabels: selector },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            ports: [port('metrics'), port('health'), new When(metricsApi, [port('metrics-api')])],
          },
        ],
        egress: [
          { ports: [port(53, 'UDP'), port(53)] },
          { ports: apiServer },
          // Rooms, for the status; and what the SFU carries, for autoscalers: metrics of pods.
          { ports: [port(8080), new When(metricsApi, [port(6789)])] },
        ],
      },
    }),
  }
}

function serviceMonitor(): Document {
  const more = block('$.Values.serviceMonitor.labels', (v) => v.serviceMonitor.labels)
  return {
    file: 'servicemonitor.yaml',
    when: when('$.Values.serviceMonitor.enabled', (v) => v.serviceMonitor.enabled),
    object: object(
      'monitoring.coreos.com/v1',
      'ServiceMonitor',
      {
        name: NAME,
        namespace,
        labels: new Merged(labels, more),
      },
      {
        spec: {
          selector: { matchLabels: selector },
          endpoints: [
            {
              port: 'metrics',
              interval: value(
                '$.Values.serviceMonitor.interval | quote',
                (v) => v.serviceMonitor.interval,
              ),
            },
          ],
        },
      },
    ),
  }
}

/** @param shardLabels tell the pods of one shard from those of the others; none where there is one */
function deploymentSpec(shardLabels: PartMap = {}): PartMap {
  const isSharded = Object.keys(shardLabels).length > 0
  const ownLabels = { ...labels, ...shardLabels }
  const ownSelector = { matchLabels: { ...selector, ...shardLabels } }
  return {
    replicas: value('$.Values.replicas', (v) => v.replicas),
    revisionHistoryLimit: 3,
    selector: ownSelector,
    template: {
      metadata: {
        labels: new Merged(
          ownLabels,
          block('$.Values.podLabels', (v) => v.podLabels),
        ),
        annotations: given('podAnnotations'),
      },
      spec: {
        serviceAccountName: account,
        automountServiceAccountToken: true,
        enableServiceLinks: false,
        imagePullSecrets: new When(
          when('$.Values.image.pullSecrets', (v) => v.image.pullSecrets.length > 0),
          block('$.Values.image.pullSecrets', (v) => v.image.pullSecrets),
        ),
        priorityClassName: new When(
          when('$.Values.priorityClassName', (v) => v.priorityClassName !== ''),
          value('$.Values.priorityClassName | quote', (v) => v.priorityClassName),
        ),
        nodeSelector: given('nodeSelector'),
        tolerations: given('tolerations'),
        affinity: given('affinity'),
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65532,
          runAsGroup: 65532,
          fsGroup: 65532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        // A leader that is told to stop finishes its writes and gives the lease back.
        terminationGracePeriodSeconds: 30,
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: ownSelector,
          },
        ],
        containers: [container(isSharded)],
        volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } }],
      },
    },
  }
}

function container(isSharded: boolean): PartMap {
  const image = value(
    `printf "%s/parley-node:%s" (trimSuffix "/" $.Values.image.registry) ${imageTag} | quote`,
    (v) => imageReference({ registry: v.image.registry, tag: tagOf(v) }, 'parley-node'),
  )
  return {
    name: 'manager',
    image,
    imagePullPolicy: value('$.Values.image.pullPolicy', (v) => v.image.pullPolicy),
    args: managerArguments(isSharded),
    env: [
      {
        name: 'PARLEY_IMAGE_REGISTRY',
        value: value('$.Values.image.registry | quote', (v) => v.image.registry),
      },
      { name: 'PARLEY_IMAGE_TAG', value: value(`${imageTag} | quote`, tagOf) },
      { name: 'PARLEY_LOG_LEVEL', value: value('$.Values.logLevel', (v) => v.logLevel) },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    ],
    ports: [
      { name: 'metrics', containerPort: METRICS_PORT },
      { name: 'health', containerPort: HEALTH_PORT },
      new When(metricsApi, [{ name: 'metrics-api', containerPort: METRICS_API_PORT }]),
    ],
    readinessProbe: {
      httpGet: { path: '/readyz', port: 'health' },
      periodSeconds: 5,
      timeoutSeconds: 3,
    },
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'health' },
      initialDelaySeconds: 15,
      periodSeconds: 20,
      timeoutSeconds: 5,
    },
    resources: block('$.Values.resources', (v) => v.resources),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  }
}

function managerArguments(isSharded: boolean): Part {
  const customMetrics = both(
    metricsApi,
    when('$.Values.metricsApi.custom', (v) => v.metricsApi.custom),
  )
  const shard = new Expression(
    'printf "--shard=%d/%d" $shard (int $.Values.shards)',
    ({ shard, values }) => `--shard=${shard}/${values.shards}`,
  )
  return [
    'manager',
    `--metrics-port=${METRICS_PORT}`,
    `--health-port=${HEALTH_PORT}`,
    new When(oneNamespace, [
      value(
        'printf "--namespace=%s" $.Values.watchNamespace',
        (v) => `--namespace=${v.watchNamespace}`,
      ),
    ]),
    new When(not(electsLeader), ['--no-leader-elect']),
    ...(isSharded ? [shard] : []),
    new When(metricsApi, [
      '--metrics-api',
      `--metrics-api-port=${METRICS_API_PORT}`,
      `--metrics-api-service=${METRICS_API}`,
      `--metrics-api-owner=${METRICS_API}`,
    ]),
    new When(customMetrics, ['--custom-metrics-api']),
  ]
}
