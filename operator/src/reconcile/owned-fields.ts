import { hash } from 'node:crypto'
import { FIELD_MANAGER } from '../runtime/client.ts'
import type { K8sObject, ManagedFieldsEntry, OwnerReference } from '../runtime/resources.ts'

/**
 * Digest of the set of fields that server-side apply keeps as ours, without the owner's uid. Whoever changes or
 * removes a field of ours by hand takes it out of this set (an update moves a changed field to its own manager),
 * so a digest that differs from that of a fresh apply is drift – and it is seen in the metadata alone, also when
 * it happened while no operator ran. Nothing (`''`) for what we never applied.
 */
export function ownedFields({ metadata }: K8sObject): string {
  const ours = appliedByUs(metadata)
  if (!ours) return ''
  const fields = bytesOf(ours)
  const owner = controllerOf(metadata.ownerReferences)
  if (!owner) return digest(fields)
  const own = `"f:${ownKeyPrefix(metadata.namespace, owner.name)}`
  if (!fields.includes(own)) return digestWithout(fields, owner.uid)
  return digest(fields.toString().replace(owner.uid, '').replaceAll(own, '"f:*-'))
}

/** Whether we are the one who says how many pods a workload has. */
export function setsReplicas({ metadata }: K8sObject): boolean {
  const ours = appliedByUs(metadata)
  // Nothing else in a workload is called so.
  return ours !== undefined && bytesOf(ours).includes('"f:replicas":')
}

/** Whether we are the one who has told Kubernetes to leave the pods of a workload as they are. */
export function holdsPods({ metadata }: K8sObject): boolean {
  const ours = appliedByUs(metadata)
  if (!ours) return false
  const fields = bytesOf(ours)
  return fields.includes('"f:paused":') || fields.includes('"f:partition":')
}

/**
 * Keys of a ConfigMap that begin so are named after the MeetingCluster, and count as the same key of every other one:
 * else each would have fields of its own, to be learned one by one.
 */
export function ownKeyPrefix(namespace: string | undefined, cluster: string): string {
  return `${namespace}-${cluster}-`
}

export function controllerOf(references: OwnerReference[] | undefined): OwnerReference | undefined {
  return references?.find(({ controller }) => controller)
}

/** 96 bits of SHA-1: for telling versions apart, not for security. */
export function digest(content: string | Buffer): string {
  return hash('sha1', content, 'base64url').slice(0, 16)
}

function appliedByUs({ managedFields }: K8sObject['metadata']) {
  return managedFields?.find(
    ({ manager, operation, subresource }) =>
      manager === FIELD_MANAGER && operation === 'Apply' && !subresource,
  )
}

/** Protobuf has it as the text that it is in JSON. */
function bytesOf({ fieldsV1 }: ManagedFieldsEntry): Buffer {
  if (Buffer.isBuffer(fieldsV1)) return fieldsV1
  return Buffer.from(typeof fieldsV1 === 'string' ? fieldsV1 : JSON.stringify(fieldsV1 ?? {}))
}

interface Known {
  head: Buffer
  tail: Buffer
  digest: string
}

/**
 * The set of fields that was last seen of each length, with the owner's uid at that place. Children of the same kind
 * have the same in every MeetingCluster: to compare two sets costs a fifth of a digest.
 */
const known = new Map<number, Known>()
/** Far above the number of shapes that children have. */
const MAX_KNOWN = 1000

/** The digest of the fields with the uid, which is in them once if at all, left out. */
function digestWithout(fields: Buffer, uid: string): string {
  const found = fields.indexOf(uid, 0, 'latin1')
  const at = found < 0 ? fields.length : found
  const from = found < 0 ? at : found + uid.length
  const place = at * 2 ** 26 + (fields.length - from)
  const before = known.get(place)
  if (before && isMadeOf(fields, before, at, from)) return before.digest
  // What is kept is a copy: the bytes are those of a whole list.
  const content = Buffer.concat([fields.subarray(0, at), fields.subarray(from)])
  const now = {
    head: content.subarray(0, at),
    tail: content.subarray(at),
    digest: digest(content),
  }
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(place, now)
  return now.digest
}

function isMadeOf(fields: Buffer, { head, tail }: Known, at: number, from: number): boolean {
  return (
    fields.compare(head, 0, head.length, 0, at) === 0 &&
    fields.compare(tail, 0, tail.length, from, fields.length) === 0
  )
}
