import { z } from 'zod'
import { optionalName, placement, port, replicasOrAutoscaling, scaling } from '../fields.ts'
import { withRules } from '../rule.ts'

export const webapp = withRules(
  z.strictObject({
    enabled: z.boolean().default(true).describe('Whether the bundled web page is served.'),
    ...scaling('webapp', {}),
    ...placement({
      requests: { cpu: '25m', memory: '32Mi' },
      limits: { memory: '128Mi' },
    }),
    service: withRules(
      z.strictObject({
        type: z
          .enum(['ClusterIP', 'NodePort', 'LoadBalancer'])
          .default('ClusterIP')
          .describe('Type of the Service in front of the web page.'),
        nodePort: port().optional().describe('Port of the nodes; left out, Kubernetes takes one.'),
        annotations: z
          .record(z.string(), z.string())
          .default({})
          .describe('Annotations of the Service, for the load balancer of a cloud.'),
      }),
      [
        {
          cel: "!has(self.nodePort) || self.type != 'ClusterIP'",
          check: ({ nodePort, type }) => nodePort === undefined || type !== 'ClusterIP',
          message: 'nodePort needs type NodePort or LoadBalancer: set type, or remove nodePort',
          field: 'nodePort',
        },
      ],
    )
      .prefault({})
      .describe('How the web page is reached without an Ingress.'),
    ingress: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Whether an Ingress for the domain is made.'),
        className: optionalName().describe('Ingress class; empty: the default one of the cluster.'),
        tlsSecretName: optionalName().describe(
          'Secret with the certificate of the domain. With an annotation of cert-manager on the Ingress, cert-manager makes it.',
        ),
        annotations: z
          .record(z.string(), z.string())
          .default({})
          .describe('Annotations of the Ingress.'),
      })
      .prefault({})
      .describe('The Ingress in front of the web page.'),
  }),
  [
    replicasOrAutoscaling,
    {
      cel: '!self.ingress.enabled || self.enabled',
      check: ({ ingress, enabled }) => !ingress.enabled || enabled,
      message:
        'webapp.ingress.enabled needs webapp.enabled: enable the web page, or disable the Ingress',
      field: 'ingress.enabled',
    },
  ],
)
  .prefault({})
  .describe('The web page that people meet with, which also passes /api and /socket.io on.')
