import type { MeetingCluster } from '../api/index.ts'
import { turnTls } from './certificate.ts'

/** A Secret of somebody else that the spec names, in the namespace of the MeetingCluster. */
export interface SecretReference {
  kind: 'redis' | 'mysql' | 'turnTls' | 'ingressTls'
  /** The field that names it. */
  field: string
  name: string
}

export function secretReferences(mc: MeetingCluster): SecretReference[] {
  const { redis, store, webapp } = mc.spec
  const tls = turnTls(mc)
  const found: SecretReference[] = [
    {
      kind: 'redis',
      field: 'spec.redis.external.secretName',
      name: redis.mode === 'External' ? redis.external.secretName : '',
    },
    {
      kind: 'mysql',
      field: 'spec.store.mysql.secretName',
      name: store.mode === 'MySQL' ? store.mysql.secretName : '',
    },
    {
      kind: 'turnTls',
      field: tls?.issued ? 'spec.turn.tls.issuerRef' : 'spec.turn.tls.secretName',
      name: tls?.secretName ?? '',
    },
    {
      kind: 'ingressTls',
      field: 'spec.webapp.ingress.tlsSecretName',
      name: webapp.ingress.enabled ? webapp.ingress.tlsSecretName : '',
    },
  ]
  return found.filter(({ name }) => name !== '')
}
