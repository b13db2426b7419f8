import { InfraError } from '../errors.ts'
import { DATA_TYPES } from './policy.ts'

type PlanJson = {
  format_version?: string
  resource_changes?: { address: string; type: string; change: { actions: string[] } }[]
}

/** Beside what the stacks hold data in: what a plan of anybody's may delete with data in it. */
const MORE_DATA_TYPES = ['aws_ebs_volume', 'aws_dynamodb_table', 'aws_efs_file_system']

/** Resources with data that a plan deletes, or makes anew, which deletes them first. */
export function dataLossOf(plan: unknown): string[] {
  const { resource_changes, format_version } = (plan ?? {}) as PlanJson
  if (format_version === undefined)
    throw new InfraError(
      'DATA_LOSS',
      'that is no plan: make one with "terraform plan -out plan" and "terraform show -json plan"',
    )
  const types: readonly string[] = [...DATA_TYPES, ...MORE_DATA_TYPES]
  return (resource_changes ?? [])
    .filter(({ type, change }) => types.includes(type) && change.actions.includes('delete'))
    .map(({ address, change }) =>
      change.actions.includes('create') ? `${address} (made anew)` : address,
    )
}
