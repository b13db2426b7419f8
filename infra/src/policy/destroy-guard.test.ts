import { describe, expect, it } from '@jest/globals'
import { dataLossOf } from './destroy-guard.ts'
import { DATA_TYPES } from './policy.ts'

const change = (type: string, ...actions: string[]) => ({
  ...{ address: `${type}.x`, mode: 'managed', type, name: 'x', change: { actions } },
})

const plan = (...resource_changes: object[]) => ({
  ...{ format_version: '1.2', terraform_version: '1.13.0', planned_values: { root_module: {} } },
  resource_changes,
})

describe('the guard of plans', () => {
  it('names what is deleted with data in it, also where it is made anew', () => {
    const changes = [
      change('aws_db_instance', 'delete'),
      change('aws_elasticache_replication_group', 'delete', 'create'),
      change('aws_kms_key', 'create', 'delete'),
      change('aws_s3_bucket', 'update'),
      change('aws_subnet', 'delete'),
      change('aws_kms_key', 'no-op'),
    ]
    expect(dataLossOf(plan(...changes))).toEqual([
      'aws_db_instance.x',
      'aws_elasticache_replication_group.x (made anew)',
      'aws_kms_key.x (made anew)',
    ])
    const { resource_changes: _, ...empty } = plan()
    expect(dataLossOf(empty)).toEqual([])
  })

  it.each(DATA_TYPES)('knows %s', (type) => {
    expect(dataLossOf(plan(change(type, 'delete')))).toEqual([`${type}.x`])
  })

  it.each([
    null,
    {},
    [],
    { resource_changes: [] },
    { ...plan(), format_version: '2.0' },
    { ...plan(), resource_changes: [{ type: 'aws_db_instance' }] },
    // A state: what "terraform show -json" prints where the plan is forgotten.
    { format_version: '1.0', terraform_version: '1.13.0', values: { root_module: {} } },
  ])('takes nothing else for a plan: %j', (json) => {
    expect(() => dataLossOf(json)).toThrow(/that is no plan: make one with "terraform plan -out/)
  })

  it('takes no plan that ended with an error: it has not all changes', () => {
    expect(() => dataLossOf({ ...plan(), errored: true })).toThrow(/mend the error and plan again/)
  })
})
