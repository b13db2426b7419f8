import { hasLiveKit, type MeetingCluster } from '../api/index.ts'
import {
  buildAutoscaler,
  buildDisruptionBudget,
  buildServiceAccount,
  fixedReplicas,
} from './common.ts'
import type { RenderInputs } from './inputs.ts'
import { compact, type Deployment, type KubernetesObject, type Service } from './kubernetes.ts'
import { metadata, objectName, selectorOf, serviceHost } from './names.ts'
import { httpProbes, podTemplate, scratchMount } from './pod.ts'
import { SFU_PORT } from './sfu.ts'
import { pageConnectsTo, SIGNALING_PORT } from './signaling.ts'

export const WEBAPP_PORT = 8080

/** nginx with the web page; it passes /api and /socket.io on to signaling, and /rtc to the SFU. */
export function renderWebapp(mc: MeetingCluster, inputs: RenderInputs): KubernetesObject[] {
  if (!mc.spec.webapp.enabled) return []
  const autoscaler = buildAutoscaler(mc, 'webapp', inputs)
  return [
    buildServiceAccount(mc, 'webapp'),
    buildWebappService(mc),
    buildWebappDeployment(mc, inputs),
    buildDisruptionBudget(mc, 'webapp'),
    ...(autoscaler ? [autoscaler] : []),
    ...(mc.spec.webapp.ingress.enabled ? [buildWebappIngress(mc)] : []),
  ]
}

export function buildWebappService(mc: MeetingCluster): Service {
  const { type, nodePort, annotations } = mc.spec.webapp.service
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: compact({ ...metadata(mc, 'webapp'), annotations }),
    spec: {
      type,
      selector: selectorOf(mc, 'webapp'),
      ports: [
        {
          name: 'http',
          protocol: 'TCP',
          port: 80,
          targetPort: 'http',
          ...(nodePort === undefined ? {} : { nodePort }),
        },
      ],
    },
  }
}

export function buildWebappDeployment(mc: MeetingCluster, inputs: RenderInputs): Deployment {
  const connectsTo = pageConnectsTo(mc)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(mc, 'webapp'),
    spec: {
      ...fixedReplicas(mc, 'webapp'),
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorOf(mc, 'webapp') },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: podTemplate(mc, inputs, {
        component: 'webapp',
        image: 'parley-webapp',
        env: [
          {
            name: 'SIGNALING_UPSTREAM',
            value: `${serviceHost(mc, 'signaling')}:${SIGNALING_PORT}`,
          },
          ...(hasLiveKit(mc)
            ? [{ name: 'SFU_UPSTREAM', value: `${serviceHost(mc, 'sfu')}:${SFU_PORT}` }]
            : []),
          ...(connectsTo.length > 0 ? [{ name: 'PAGE_CONNECT', value: connectsTo.join(' ') }] : []),
        ],
        ports: [{ name: 'http', protocol: 'TCP', containerPort: WEBAPP_PORT }],
        mounts: [scratchMount('tmp', '/tmp', { sizeLimit: '64Mi' })],
        probes: httpProbes('http', { readiness: '/healthz', liveness: '/healthz' }),
        // Open sockets pass through here: they get as long as signaling gives them.
        terminationGracePeriodSeconds: 60,
      }),
    },
  }
}

export function buildWebappIngress(mc: MeetingCluster) {
  const { domain, webapp } = mc.spec
  const { className, tlsSecretName, annotations } = webapp.ingress
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: compact<KubernetesObject['metadata']>({ ...metadata(mc, 'webapp'), annotations }),
    spec: compact({
      ingressClassName: className,
      tls: tlsSecretName === '' ? [] : [{ hosts: [domain], secretName: tlsSecretName }],
      rules: [
        {
          host: domain,
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: { service: { name: objectName(mc, 'webapp'), port: { name: 'http' } } },
              },
            ],
          },
        },
      ],
    }),
  }
}
