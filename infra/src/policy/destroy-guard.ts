import { z } from 'zod'
import { InfraError } from '../errors.ts'
import { DATA_TYPES } from './policy.ts'

/** What of `terraform show -json PLAN` is read. A state, printed without PLAN, has no planned values. */
const planSchema = z.object({
  format_version: z.string().regex(/^1\./),
  planned_values: z.looseObject({}),
  /** Left out where nothing changes. */
  resource_changes: z
    .array(
      z.object({
        address: z.string(),
        type: z.string(),
        change: z.object({ actions: z.array(z.string()) }),
      }),
    )
    .default([]),
  errored: z.boolean().default(false),
})

/** Beside what the stacks hold data in: what a plan of anybody's may delete with data in it. */
const MORE_DATA_TYPES = [
  ...['aws_ebs_volume', 'aws_ebs_snapshot', 'aws_dynamodb_table', 'aws_efs_file_system'],
  ...['aws_db_snapshot', 'aws_rds_cluster', 'aws_elasticache_cluster', 'aws_s3_object'],
]

/**
 * Resources with data that a plan deletes, or makes anew, which deletes them first.
 * @throws {InfraError} `DATA_LOSS` for what is no plan, or only the part of one before an error
 */
export function dataLossOf(json: unknown): string[] {
  const { data: plan } = planSchema.safeParse(json)
  if (!plan)
    throw new InfraError(
      'DATA_LOSS',
      'that is no plan: make one with "terraform plan -out plan" and "terraform show -json plan"',
    )
  if (plan.errored)
    throw new InfraError(
      'DATA_LOSS',
      'that plan ended with an error, and does not say all that it would delete: mend the error and plan again',
    )
  const types: readonly string[] = [...DATA_TYPES, ...MORE_DATA_TYPES]
  return plan.resource_changes
    .filter(({ type, change }) => types.includes(type) && change.actions.includes('delete'))
    .map(({ address, change }) =>
      change.actions.includes('create') ? `${address} (made anew)` : address,
    )
}
