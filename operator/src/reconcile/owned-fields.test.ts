import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { K8sObject } from '../runtime/resources.ts'
import { ownedFields, setsReplicas } from './owned-fields.ts'

const owned = (
  uid: string,
  fieldsV1: unknown,
  { manager = 'parley', operation = 'Apply' } = {},
): K8sObject => ({
  metadata: {
    name: 'a',
    namespace: 'ns',
    ownerReferences: [{ apiVersion: 'v', kind: 'K', name: 'o', uid, controller: true }],
    managedFields: [
      { manager: 'kubectl-edit', operation: 'Update', fieldsV1: { 'f:spec': {} } },
      { manager, operation, fieldsV1 },
    ],
  },
})

describe('ownedFields', () => {
  it('is the same for children of different owners', () => {
    const fields = (uid: string) => ({ 'f:data': {}, [`k:{"uid":"${uid}"}`]: {} })
    expect(ownedFields(owned('u1', fields('u1')))).toBe(ownedFields(owned('u2', fields('u2'))))
  })

  it('changes when a field of ours is gone, and is nothing for what we never applied', () => {
    expect(ownedFields(owned('u', { 'f:data': {} }))).not.toBe(ownedFields(owned('u', {})))
    expect(ownedFields(owned('u', {}, { manager: 'someone' }))).toBe('')
    expect(ownedFields(owned('u', {}, { operation: 'Update' }))).toBe('')
  })

  /** What it is to be, worked out in full each time. */
  const reference = (uid: string, text: string) =>
    createHash('sha1')
      .update(text.replace(uid, '').replaceAll('"f:ns-o-', '"f:*-'))
      .digest('base64url')
      .slice(0, 16)

  const uids = fc.constantFrom('uid-1', 'uid-2', 'other')
  // Few letters, so that many sets are as long as each other and differ in one place.
  const name = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 2 })
  const key = fc.oneof(
    name,
    name.map((text) => `ns-o-${text}`),
  )
  const sets = fc.array(fc.tuple(uids, fc.uniqueArray(key, { maxLength: 3 }), fc.boolean()), {
    minLength: 1,
    maxLength: 12,
  })

  it('REQ-K1: whatever was read before, a digest is that of the fields, as bytes, text or JSON', () => {
    fc.assert(
      fc.property(sets, (all) => {
        for (const [uid, keys, hasOwner] of all) {
          const fields = {
            ...(hasOwner ? { [`k:{"uid":"${uid}"}`]: {} } : {}),
            ...Object.fromEntries(keys.map((each) => [`f:${each}`, {}])),
          }
          const text = JSON.stringify(fields)
          const wanted = reference(uid, text)
          for (const form of [Buffer.from(text), text, fields])
            expect(ownedFields(owned(uid, form))).toBe(wanted)
        }
      }),
      { numRuns: 300 },
    )
  })

  it.each(['u', 'of-nobody'])('keeps nothing of the bytes that it was given: %s', (uid) => {
    const text = '{"f:spec":{},"k:u":{}}'
    const bytes = Buffer.from(text)
    const before = ownedFields(owned(uid, bytes))
    bytes.fill('x')
    expect(ownedFields(owned(uid, Buffer.from(text)))).toBe(before)
    expect(ownedFields(owned(uid, bytes))).not.toBe(before)
  })
})

describe('setsReplicas', () => {
  it('is asked of fields in whichever form they came', () => {
    const fields = { 'f:spec': { 'f:replicas': {} } }
    const text = JSON.stringify(fields)
    for (const form of [Buffer.from(text), text, fields])
      expect(setsReplicas(owned('u', form))).toBe(true)
    expect(setsReplicas(owned('u', { 'f:spec': {} }))).toBe(false)
    expect(setsReplicas(owned('u', fields, { manager: 'someone' }))).toBe(false)
  })
})
