import { describe, expect, it } from '@jest/globals'
import { dataLossOf } from './destroy-guard.ts'

const change = (type: string, ...actions: string[]) => ({
  ...{ address: `${type}.x`, type, change: { actions } },
})

describe('the guard of plans', () => {
  it('names what is deleted with data in it, also where it is made anew', () => {
    const resource_changes = [
      change('aws_db_instance', 'delete'),
      change('aws_elasticache_replication_group', 'delete', 'create'),
      change('aws_s3_bucket', 'update'),
      change('aws_subnet', 'delete'),
      change('aws_kms_key', 'no-op'),
    ]
    expect(dataLossOf({ format_version: '1.2', resource_changes })).toEqual([
      'aws_db_instance.x',
      'aws_elasticache_replication_group.x (made anew)',
    ])
    expect(dataLossOf({ format_version: '1.2' })).toEqual([])
  })

  it.each([null, {}, { resource_changes: [] }])('takes nothing else for a plan: %j', (plan) => {
    expect(() => dataLossOf(plan)).toThrow(/that is no plan: make one with "terraform plan -out/)
  })
})
