import { customResourceDefinition } from '@parley/operator/api'
import { type ImageSource, imageReference } from '@parley/operator/render'
import { ApiObject, App, Chart } from 'cdk8s'
import { clusterRules, leaseRules, managerRules } from './rbac.ts'

/** Where the images come from, for the operator and for what it deploys. */
export interface InstallOptions extends ImageSource {
  /** Namespace of the operator, which is made too. */
  namespace: string
}

const NAME = 'parley-operator'
const METRICS_PORT = 8080
const HEALTH_PORT = 8081

const labels = {
  'app.kubernetes.io/name': NAME,
  'app.kubernetes.io/component': 'operator',
  'app.kubernetes.io/part-of': 'parley',
}
const selector = { 'app.kubernetes.io/name': NAME }

/** All that `kubectl apply -f -` needs for a working operator, as YAML, in the order to apply it. */
export function installManifests(options: InstallOptions): string {
  const app = new App()
  const chart = new Chart(app, 'parley', { disableResourceNameHashes: true })
  for (const object of installObjects(options)) {
    new ApiObject(chart, `${object.kind}-${object.metadata.name}`, object)
  }
  return app.synthYaml()
}

interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
}

/** The same as plain objects. */
export function installObjects(options: InstallOptions): Manifest[] {
  const { namespace } = options
  const inNamespace = { name: NAME, namespace, labels }
  const subjects = [{ kind: 'ServiceAccount', name: NAME, namespace }]
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'restricted' },
      },
    },
    customResourceDefinition(),
    object('v1', 'ServiceAccount', inNamespace, { automountServiceAccountToken: false }),
    object(
      'rbac.authorization.k8s.io/v1',
      'ClusterRole',
      { name: NAME, labels },
      {
        rules: [...managerRules, ...clusterRules],
      },
    ),
    object(
      'rbac.authorization.k8s.io/v1',
      'ClusterRoleBinding',
      { name: NAME, labels },
      {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME },
        subjects,
      },
    ),
    object('rbac.authorization.k8s.io/v1', 'Role', inNamespace, { rules: leaseRules }),
    object('rbac.authorization.k8s.io/v1', 'RoleBinding', inNamespace, {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAME },
      subjects,
    }),
    object('v1', 'Service', inNamespace, {
      spec: {
        selector,
        ports: [{ name: 'metrics', port: METRICS_PORT, targetPort: 'metrics' }],
      },
    }),
    object('policy/v1', 'PodDisruptionBudget', inNamespace, {
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: selector },
      },
    }),
    object('apps/v1', 'Deployment', inNamespace, { spec: deploymentSpec(options) }),
  ]
}

function object(
  apiVersion: string,
  kind: string,
  metadata: Manifest['metadata'],
  body: Record<string, unknown>,
): Manifest {
  return { apiVersion, kind, metadata, ...body }
}

function deploymentSpec({ registry, tag }: InstallOptions) {
  return {
    replicas: 1,
    revisionHistoryLimit: 3,
    selector: { matchLabels: selector },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: NAME,
        automountServiceAccountToken: true,
        enableServiceLinks: false,
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
            labelSelector: { matchLabels: selector },
          },
        ],
        containers: [
          {
            name: 'manager',
            image: imageReference({ registry, tag }, 'parley-node'),
            imagePullPolicy: 'IfNotPresent',
            args: ['manager', `--metrics-port=${METRICS_PORT}`, `--health-port=${HEALTH_PORT}`],
            env: [
              { name: 'PARLEY_IMAGE_REGISTRY', value: registry },
              { name: 'PARLEY_IMAGE_TAG', value: tag },
              { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              {
                name: 'POD_NAMESPACE',
                valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } },
              },
            ],
            ports: [
              { name: 'metrics', containerPort: METRICS_PORT },
              { name: 'health', containerPort: HEALTH_PORT },
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
            resources: {
              requests: { cpu: '50m', memory: '128Mi' },
              limits: { memory: '512Mi' },
            },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
          },
        ],
        volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } }],
      },
    },
  }
}
