import { z } from 'zod'
import { DURATION_PATTERN, durationSeconds } from './duration.ts'
import { isIpAddress, isIpRange } from './ip.ts'
import { AS_WHOLE, withRules } from './rule.ts'

/** Field types that several parts of the spec share. */

const MAX_PORT = 65535

/** Text of a form; the message says how to write it, where a `pattern` would only show itself. */
export const text = (maxLength: number, pattern: RegExp, message: string) =>
  withRules(z.string().max(maxLength), [
    {
      cel: `self.matches(r'${pattern.source}')`,
      check: (self) => pattern.test(self),
      message,
    },
  ])

export const port = () => z.int().min(1).max(MAX_PORT)

const NOT_A_NAME = 'is no name of an object: write lower-case letters, digits, "-" and "."'

/** The name of an object in the MeetingCluster's namespace. */
export const objectName = () => text(253, /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, NOT_A_NAME)

/** The same, or of none where it is empty. */
export const optionalName = () =>
  text(253, /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/, NOT_A_NAME).default('')

/**
 * Longer ones fit into no field of a pod, or are a slip of the pen.
 * @param longest the most that is taken
 */
export const duration = (description: string, byDefault: string, longest = '8760h') =>
  withRules(z.string().max(32), [
    {
      cel: `self.matches(r'${DURATION_PATTERN.source}') && duration(self) > duration('0s') && duration(self) <= duration('${longest}')`,
      check: (self) =>
        DURATION_PATTERN.test(self) &&
        durationSeconds(self) > 0 &&
        durationSeconds(self) <= durationSeconds(longest),
      message: `is no duration above 0 and up to ${longest}: write one like 90s, 15m or 1h30m`,
    },
  ])
    .default(byDefault)
    .describe(description)

/** Both ends belong to the range. */
export const portRange = (description: string, byDefault: { min: number; max: number }) =>
  withRules(
    z.strictObject({
      min: port().min(1024).default(byDefault.min).describe('First port of the range.'),
      max: port().min(1024).default(byDefault.max).describe('Last port of the range.'),
    }),
    [
      {
        cel: 'self.min <= self.max',
        check: (self) => self.min <= self.max,
        message: 'min is above max: swap them',
        field: 'min',
      },
    ],
  )
    .meta(AS_WHOLE)
    .prefault({})
    .describe(description)

export const ipAddress = () =>
  withRules(z.string().max(45), [
    {
      cel: 'isIP(self)',
      check: isIpAddress,
      message: 'is no IP address: write one like 203.0.113.7 or 2001:db8::7',
    },
  ])

export const ipRange = () =>
  withRules(z.string().max(91), [
    {
      cel: "self.contains('-') ? self.split('-').size() == 2 && self.split('-').all(a, isIP(a)) && ip(self.split('-')[0]).family() == ip(self.split('-')[1]).family() : isIP(self) || isCIDR(self)",
      check: isIpRange,
      message:
        'is no address range: write 10.1.2.3, 10.0.0.0/8 or 10.1.2.3-10.1.2.9 (or the same in IPv6)',
    },
  ])

/** Amounts of CPU or memory; the pattern stands for strings, integers are taken as they are. */
const quantity = () =>
  z
    .union([
      z.int().nonnegative(),
      z
        .string()
        .regex(
          /^[0-9]+(\.[0-9]+)?([KMGTPE]i|[mkMGTPE])?$/,
          'is no quantity: write one like 500m, 2 or 256Mi',
        ),
    ])
    .meta({ 'x-kubernetes-int-or-string': true })

const quantities = () => z.record(z.string().max(317), quantity()).optional()

export interface ResourceDefaults {
  requests: { cpu: string; memory: string }
  limits: { cpu?: string; memory: string }
}

const resources = (byDefault: ResourceDefaults) =>
  z
    .strictObject({
      requests: quantities().describe(
        'What the scheduler sets aside for each pod, like {cpu: 500m, memory: 256Mi}.',
      ),
      limits: quantities().describe('What a pod may use at most.'),
    })
    .meta(AS_WHOLE)
    .prefault({ ...byDefault })
    .describe(
      'CPU and memory of each pod. Taken as a whole: what is given here replaces the default, it is not merged with it.',
    )

const toleration = z.strictObject({
  key: z
    .string()
    .max(317)
    .optional()
    .describe('Key of the taint; left out, with operator Exists, it means every taint.'),
  operator: z
    .enum(['Exists', 'Equal'])
    .optional()
    .describe('Equal compares the value too. Kubernetes takes Equal where it is left out.'),
  value: z.string().max(63).optional().describe('Value of the taint.'),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .optional()
    .describe('Effect of the taint; left out, it means every effect.'),
  tolerationSeconds: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional()
    .describe('How long a pod stays on a node with a NoExecute taint; left out, for ever.'),
})

/** Where pods of a component run, and with what. */
export const placement = (resourceDefaults: ResourceDefaults) => ({
  resources: resources(resourceDefaults),
  nodeSelector: z
    .record(z.string(), z.string())
    .default({})
    .describe('Labels that a node must have for these pods.'),
  tolerations: z
    .array(toleration)
    .max(64)
    .default([])
    .describe('Taints of nodes that these pods put up with.'),
  affinity: z
    .looseObject({})
    .default({})
    .describe('Affinity of the pods, as in a pod: nodeAffinity, podAffinity, podAntiAffinity.')
    .meta({ 'x-kubernetes-preserve-unknown-fields': true }),
  podAnnotations: z
    .record(z.string(), z.string())
    .default({})
    .describe('Annotations added to the pods.'),
})

/** What holds where a component is given neither replicas nor autoscaling. */
export const DEFAULT_AUTOSCALING = {
  turn: { minReplicas: 1, maxReplicas: 4, targetCPUUtilization: 70, targetRelayMbps: 400 },
  sfu: { minReplicas: 3, maxReplicas: 10, targetCPUUtilization: 70 },
  signaling: { minReplicas: 2, maxReplicas: 6, targetCPUUtilization: 70 },
  webapp: { minReplicas: 2, maxReplicas: 4, targetCPUUtilization: 70 },
  redis: { minReplicas: 1, maxReplicas: 1, targetCPUUtilization: 70 },
} as const
type Scaled = keyof typeof DEFAULT_AUTOSCALING

const autoscaling = <Extra extends z.ZodRawShape>(component: Scaled, extra: Extra) =>
  withRules(
    z.strictObject({
      ...extra,
      minReplicas: z
        .int()
        .min(1)
        .max(1000)
        .default(DEFAULT_AUTOSCALING[component].minReplicas)
        .describe('Pods that run at least.'),
      maxReplicas: z
        .int()
        .min(1)
        .max(1000)
        .default(DEFAULT_AUTOSCALING[component].maxReplicas)
        .describe('Pods that run at most.'),
      targetCPUUtilization: z
        .int()
        .min(1)
        .max(100)
        .default(DEFAULT_AUTOSCALING[component].targetCPUUtilization)
        .describe('CPU in percent of the request that the autoscaler keeps to, over all pods.'),
    }),
    // The compiler does not see through the generic shape that both numbers are there.
    [minNotAboveMax] as never,
  )

const minNotAboveMax = {
  cel: 'self.minReplicas <= self.maxReplicas',
  check: (self: { minReplicas: number; maxReplicas: number }) =>
    self.minReplicas <= self.maxReplicas,
  message: 'minReplicas is above maxReplicas: raise maxReplicas or lower minReplicas',
  field: 'minReplicas',
}

/** How many pods of a component run: a fixed number, or between two numbers. */
export const scaling = <Extra extends z.ZodRawShape>(component: Scaled, extra: Extra) => {
  const { minReplicas, maxReplicas, targetCPUUtilization } = DEFAULT_AUTOSCALING[component]
  const otherwise = `where neither replicas nor autoscaling is given, ${
    minReplicas === maxReplicas
      ? minReplicas
      : `${minReplicas} to ${maxReplicas} pods at ${targetCPUUtilization} % CPU`
  }`
  return {
    replicas: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe(`Fixed number of pods. Never together with autoscaling; ${otherwise}.`),
    autoscaling: autoscaling(component, extra)
      .optional()
      .describe(`Lets a HorizontalPodAutoscaler choose the number of pods; ${otherwise}.`),
  }
}

/** Says that a component has either a fixed or a scaled number of pods. */
export const replicasOrAutoscaling = {
  cel: '!(has(self.replicas) && has(self.autoscaling))',
  check: (self: { replicas?: unknown; autoscaling?: unknown }) =>
    self.replicas === undefined || self.autoscaling === undefined,
  message: 'replicas and autoscaling exclude each other: remove one of them',
  field: 'replicas',
}
