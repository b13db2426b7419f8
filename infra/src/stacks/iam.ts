import { IamRole, IamRolePolicy, IamRolePolicyAttachment } from '../aws.ts'
import type { ParleyStack } from './stack.ts'

export type Statement = {
  actions: string[]
  resources: string[]
  /** Operator, key, values: `{ StringEquals: { 'aws:ResourceTag/x': 'y' } }`. */
  conditions?: Record<string, Record<string, string | string[]>>
}

export function policyDocument(statements: readonly Statement[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map(({ actions, resources, conditions }) => ({
      Effect: 'Allow',
      Action: actions,
      Resource: resources,
      ...(conditions && { Condition: conditions }),
    })),
  })
}

/** A role for a service of AWS, with policies of AWS's own and one of ours. */
export function serviceRole(
  stack: ParleyStack,
  id: string,
  of: { service: string; managed?: readonly string[]; statements?: readonly Statement[] },
): IamRole {
  return roleWith(stack, id, of, {
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Principal: { Service: of.service },
  })
}

/** A role that pods of one service account get, by EKS Pod Identity. */
export function podRole(
  stack: ParleyStack,
  id: string,
  of: { managed?: readonly string[]; statements?: readonly Statement[] },
): IamRole {
  return roleWith(stack, id, of, {
    Effect: 'Allow',
    Action: ['sts:AssumeRole', 'sts:TagSession'],
    Principal: { Service: 'pods.eks.amazonaws.com' },
  })
}

function roleWith(
  stack: ParleyStack,
  id: string,
  {
    managed = [],
    statements = [],
  }: { managed?: readonly string[]; statements?: readonly Statement[] },
  trust: object,
): IamRole {
  const role = new IamRole(stack, `${id}-role`, {
    name: `${stack.prefix}-${id}`,
    assumeRolePolicy: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    tags: stack.tags(id),
  })
  for (const name of managed)
    new IamRolePolicyAttachment(stack, `${id}-${name.split('/').at(-1)}`, {
      role: role.name,
      policyArn: `arn:aws:iam::aws:policy/${name}`,
    })
  if (statements.length > 0)
    new IamRolePolicy(stack, `${id}-policy`, {
      name: `${stack.prefix}-${id}`,
      role: role.id,
      policy: policyDocument(statements),
    })
  return role
}
