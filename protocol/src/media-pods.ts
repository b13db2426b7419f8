import { z } from 'zod'

/**
 * Where the pods of TURN and the SFU run: what the operator writes for the meter, and renews when they
 * change, into `pods.json` of a ConfigMap that the meter mounts. The meter has no rights at the API server.
 */
export const mediaPodsSchema = z.object({
  /** Mbit/s (1e6 bits) that one TURN pod is planned to send. */
  turnMbps: z.number().positive().max(1_000_000),
  pods: z.array(
    z.object({
      pod: z.string().min(1),
      component: z.enum(['turn', 'sfu']),
      node: z.string().min(1),
      /** When it came onto the node, as Kubernetes says. */
      since: z.iso.datetime(),
      /** Labels of the node: `topology.kubernetes.io/zone` and `node.kubernetes.io/instance-type`. */
      zone: z.string().optional(),
      instanceType: z.string().optional(),
    }),
  ),
})
export type MediaPods = z.infer<typeof mediaPodsSchema>

/** Key of the ConfigMap, and name of the file. */
export const mediaPodsFile = 'pods.json'
