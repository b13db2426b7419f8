import {
  type Decoded,
  MANAGED_FIELDS_BYTES,
  type Message,
  OBJECT_META,
} from '../runtime/protobuf.ts'
import type { K8sObject } from '../runtime/resources.ts'
import { HASH_ANNOTATION, NOTES, TEMPLATE_ANNOTATION } from './annotations.ts'

/**
 * What observed.ts looks at in objects of which the metadata does not say enough; nothing else of them is read.
 * Numbers are those of `generated.proto` in k8s.io/api/core/v1 and apps/v1.
 */

const text = <N extends string>(name: N) => ({ name, type: 'string' }) as const
const number = <N extends string>(name: N) => ({ name, type: 'int' }) as const
const flag = <N extends string>(name: N) => ({ name, type: 'bool' }) as const
const time = <N extends string>(name: N) => ({ name, type: 'time' }) as const
const one = <N extends string, const M extends Message>(name: N, type: M) =>
  ({ name, type }) as const
const many = <N extends string, const M extends Message | 'string'>(name: N, type: M) =>
  ({ name, type, repeated: true }) as const

const metadata = { name: 'metadata', type: OBJECT_META } as const

/** There are dozens of children for each MeetingCluster: of their metadata, too, no more than is looked at. */
const childMetadata = {
  name: 'metadata',
  type: {
    ...OBJECT_META,
    11: { name: 'labels', type: 'map', keys: ['parley.dev/cluster'] },
    12: {
      name: 'annotations',
      type: 'map',
      keys: [HASH_ANNOTATION, TEMPLATE_ANNOTATION, ...NOTES],
    },
    17: MANAGED_FIELDS_BYTES,
  },
} as const

/** Of children of which the metadata says enough. */
export const CHILD: Message = { 1: childMetadata }

const template = one('template', {
  2: one('spec', { 2: many('containers', { 2: text('image') }) }),
})
const condition = { 1: text('type'), 2: text('status'), 4: text('reason'), 5: text('message') }

export const DEPLOYMENT = {
  1: childMetadata,
  2: one('spec', {
    1: number('replicas'),
    3: template,
    4: one('strategy', {
      2: one('rollingUpdate', { 2: { name: 'maxSurge', type: 'intOrString' } }),
    }),
    7: flag('paused'),
  }),
  3: one('status', {
    1: number('observedGeneration'),
    2: number('replicas'),
    3: number('updatedReplicas'),
    6: many('conditions', condition),
    7: number('readyReplicas'),
  }),
} as const satisfies Message

export const STATEFUL_SET = {
  1: childMetadata,
  2: one('spec', {
    1: number('replicas'),
    3: template,
    7: one('updateStrategy', { 2: one('rollingUpdate', { 1: number('partition') }) }),
  }),
  3: one('status', {
    1: number('observedGeneration'),
    2: number('replicas'),
    3: number('readyReplicas'),
    5: number('updatedReplicas'),
    10: many('conditions', condition),
  }),
} as const satisfies Message

export const SERVICE = {
  1: childMetadata,
  2: one('spec', {
    1: many('ports', { 1: text('name'), 5: number('nodePort') }),
    3: text('clusterIP'),
    4: text('type'),
  }),
  3: one('status', {
    1: one('loadBalancer', { 1: many('ingress', { 1: text('ip'), 2: text('hostname') }) }),
  }),
} as const satisfies Message

export const POD = {
  1: metadata,
  2: one('spec', { 10: text('nodeName') }),
  3: one('status', {
    1: text('phase'),
    2: many('conditions', {
      1: text('type'),
      2: text('status'),
      4: time('lastTransitionTime'),
      6: text('message'),
    }),
    6: text('podIP'),
    7: time('startTime'),
    8: many('containerStatuses', {
      2: one('state', {
        1: one('waiting', { 1: text('reason') }),
        2: one('running', { 1: time('startedAt') }),
      }),
      5: number('restartCount'),
      6: text('image'),
    }),
  }),
} as const satisfies Message

export const NODE = {
  1: metadata,
  2: one('spec', {
    1: text('podCIDR'),
    4: flag('unschedulable'),
    5: many('taints', { 1: text('key'), 2: text('value'), 3: text('effect') }),
    7: many('podCIDRs', 'string'),
  }),
  3: one('status', {
    4: many('conditions', { 1: text('type'), 2: text('status') }),
    5: many('addresses', { 1: text('type'), 2: text('address') }),
  }),
} as const satisfies Message

/** Such an object as it comes from the API server, in whichever encoding: what is not named is not looked at. */
type Read<M extends Message> = K8sObject & Pick<Decoded<M>, Exclude<keyof Decoded<M>, 'metadata'>>

export type DeploymentObject = Read<typeof DEPLOYMENT>
export type StatefulSetObject = Read<typeof STATEFUL_SET>
export type ServiceObject = Read<typeof SERVICE>
export type PodObject = Read<typeof POD>
export type NodeObject = Read<typeof NODE>
