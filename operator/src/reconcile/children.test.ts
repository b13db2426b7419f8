import { describe, expect, it } from '@jest/globals'
import type { K8sObject } from '../runtime/resources.ts'
import { shapeOf } from './children.ts'
import { ownedFields } from './observed.ts'

function deployment(name: string, container: object, uid = 'u'): K8sObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name }, uid },
    spec: { template: { spec: { containers: [{ name: 'main', ...container }] } } },
  } as K8sObject
}

describe('shapeOf', () => {
  it('is one for objects that differ in values, names and images', () => {
    expect(shapeOf(deployment('a', { image: 'x:1' }))).toBe(
      shapeOf(deployment('b', { image: 'y:2' })),
    )
  })

  it.each([
    ['another field', deployment('a', { image: 'x', command: ['x'] })],
    ['another key of a list item', deployment('a', { image: 'x', name: 'other' })],
    ['another kind', { ...deployment('a', { image: 'x' }), kind: 'StatefulSet' }],
    ['another port', deployment('a', { image: 'x', ports: [{ containerPort: 81 }] })],
  ])('differs with %s', (_, other) => {
    expect(shapeOf(other)).not.toBe(shapeOf(deployment('a', { image: 'x' })))
  })
})

describe('ownedFields', () => {
  const owned = (
    uid: string,
    fields: object,
    manager = 'parley',
    operation = 'Apply',
  ): K8sObject => ({
    metadata: {
      name: 'a',
      ownerReferences: [{ apiVersion: 'v', kind: 'K', name: 'o', uid, controller: true }],
      managedFields: [
        { manager: 'kubectl-edit', operation: 'Update', fieldsV1: { 'f:spec': {} } },
        { manager, operation, fieldsV1: { ...fields, [`k:{"uid":"${uid}"}`]: {} } },
      ],
    },
  })

  it('is the same for children of different owners', () => {
    expect(ownedFields(owned('u1', { 'f:data': {} }))).toBe(
      ownedFields(owned('u2', { 'f:data': {} })),
    )
  })

  it('changes when a field of ours is gone, and is nothing for what we never applied', () => {
    expect(ownedFields(owned('u', { 'f:data': {} }))).not.toBe(ownedFields(owned('u', {})))
    expect(ownedFields(owned('u', {}, 'someone'))).toBe('')
    expect(ownedFields(owned('u', {}, 'parley', 'Update'))).toBe('')
  })
})
