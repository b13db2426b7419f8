import type { ApiClient } from '../runtime/client.ts'
import type { Clock } from '../runtime/clock.ts'
import { Conflict, NotFound } from '../runtime/errors.ts'
import { type K8sObject, SECRETS } from '../runtime/resources.ts'
import { renewedIdentity, type ServingIdentity } from './certificate.ts'

export const SERVING_SECRET = 'parley-metrics-api-tls'

interface SecretObject extends K8sObject {
  data?: Record<string, string>
}

/** Keys of the Secret. */
const KEYS = {
  caBundle: 'ca.crt',
  caKey: 'ca.key',
  certificate: 'tls.crt',
  key: 'tls.key',
} as const satisfies Record<keyof ServingIdentity, string>

const ATTEMPTS = 5

/**
 * The identity that all replicas serve with: the one in the Secret, made or renewed first where that is due. The
 * replica that writes first wins; the others take what it wrote.
 *
 * @throws ApiError
 */
export async function loadServingIdentity(options: {
  client: Pick<ApiClient, 'get' | 'create' | 'update'>
  namespace: string
  dnsNames: readonly string[]
  clock: Clock
}): Promise<ServingIdentity> {
  const { client, namespace, dnsNames, clock } = options
  for (let attempt = 1; ; attempt++) {
    const secret = await getOrUndefined(client, namespace)
    const current = identityIn(secret)
    const next = await renewedIdentity(current, dnsNames, clock.now())
    if (!next) return current as ServingIdentity
    try {
      await write(client, namespace, secret, next)
      return next
    } catch (error) {
      if (!(error instanceof Conflict) || attempt === ATTEMPTS) throw error
    }
  }
}

async function getOrUndefined(client: Pick<ApiClient, 'get'>, namespace: string) {
  try {
    return await client.get<SecretObject>(SECRETS, namespace, SERVING_SECRET)
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

function identityIn(secret: SecretObject | undefined): Partial<ServingIdentity> {
  return Object.fromEntries(
    Object.entries(KEYS).flatMap(([part, key]) => {
      const value = secret?.data?.[key]
      return value ? [[part, Buffer.from(value, 'base64').toString()]] : []
    }),
  )
}

async function write(
  client: Pick<ApiClient, 'create' | 'update'>,
  namespace: string,
  existing: SecretObject | undefined,
  identity: ServingIdentity,
): Promise<void> {
  const data = Object.fromEntries(
    Object.entries(KEYS).map(([part, key]) => [
      key,
      Buffer.from(identity[part as keyof ServingIdentity]).toString('base64'),
    ]),
  )
  if (existing) {
    await client.update(SECRETS, { ...existing, data } as K8sObject)
    return
  }
  await client.create(SECRETS, namespace, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: SERVING_SECRET,
      namespace,
      labels: {
        'app.kubernetes.io/name': 'parley-operator',
        'app.kubernetes.io/part-of': 'parley',
      },
    },
    type: 'kubernetes.io/tls',
    data,
  })
}
