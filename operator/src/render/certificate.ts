import type { MeetingCluster } from '../api/index.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { metadata, objectName } from './names.ts'

/** The certificate of TURN over TLS: where it is, and for what name. */
export interface TurnTls {
  /** Secret with `tls.crt` and `tls.key`. */
  secretName: string
  port: number
  /** What browsers ask for, and the certificate must be for. */
  host: string
  /** cert-manager makes the Secret. */
  issued: boolean
}

/** TURN over TLS as the spec asks for it; undefined where it does not. */
export function turnTls(mc: MeetingCluster): TurnTls | undefined {
  const { domain, turn } = mc.spec
  const { secretName, issuerRef, port } = turn.tls
  const issued = issuerRef !== undefined
  if (!issued && secretName === '') return undefined
  return {
    secretName: issued ? `${objectName(mc, 'turn')}-tls` : secretName,
    port,
    host: turn.tls.host || domain,
    issued,
  }
}

export type Certificate = KubernetesObject & {
  spec: {
    secretName: string
    dnsNames: string[]
    issuerRef: { name: string; kind: string; group: string }
    privateKey: { algorithm: 'ECDSA'; size: 256; rotationPolicy: 'Always' }
    usages: string[]
  }
}

/**
 * What cert-manager is asked for, which then makes the Secret and renews it. Every browser that has WebRTC takes
 * ECDSA, which costs the server a tenth of RSA. The life of the certificate is the issuer's.
 */
export function renderCertificate(mc: MeetingCluster): Certificate[] {
  const tls = turnTls(mc)
  const { issuerRef } = mc.spec.turn.tls
  if (!tls || !issuerRef) return []
  const { name, kind, group } = issuerRef
  return [
    {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: metadata(mc, 'turn', tls.secretName),
      spec: {
        secretName: tls.secretName,
        dnsNames: [tls.host],
        issuerRef: { name, kind, group },
        privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
        usages: ['digital signature', 'server auth'],
      },
    },
  ]
}
