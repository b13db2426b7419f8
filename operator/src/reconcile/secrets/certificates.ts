import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

/** What is wrong with a certificate, for people; and when it has to be looked at again. */
export interface CertificateFinding {
  /** No server can be started with it. */
  unusable: boolean
  problem?: string
  /** The Secret lacks this key. */
  missingKey?: string
  /** Milliseconds since the epoch: it begins or ceases to be valid then. */
  changesAt?: number
}

/** What is remembered of a certificate: nothing of the key. */
export interface CertificateFacts {
  missingKey?: string
  unusable?: string
  wrongName?: string
  notBefore?: number
  notAfter?: number
}

/**
 * Reads the certificate and key of a Secret of type kubernetes.io/tls. The facts hold as long as the Secret does.
 * @param data base64, as in the Secret
 * @param host a name that the certificate has to be for
 */
export function readCertificate(
  data: Readonly<Record<string, string>>,
  host: string,
): CertificateFacts {
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
  const missingKey = ['tls.crt', 'tls.key'].find((key) => text(key) === '')
  if (missingKey) return { missingKey }
  const certificate = parseCertificate(text('tls.crt'))
  if (!certificate) return { unusable: 'tls.crt is no certificate in PEM form' }
  const key = parseKey(text('tls.key'))
  if (!key) return { unusable: 'tls.key is no private key in PEM form without a passphrase' }
  if (!certificate.checkPrivateKey(key))
    return {
      unusable:
        'tls.key is not the key of the first certificate in tls.crt, which has to be that of the server',
    }
  return {
    ...(covers(certificate, host)
      ? {}
      : { wrongName: `the certificate is not for ${host}, but for ${namesOf(certificate)}` }),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  }
}

/** @param now milliseconds since the epoch */
export function judgeCertificate(facts: CertificateFacts, now: number): CertificateFinding {
  const { missingKey, unusable, wrongName, notBefore = 0, notAfter = 0 } = facts
  if (missingKey) return { unusable: true, missingKey }
  if (unusable) return { unusable: true, problem: unusable }
  const day = (time: number) => new Date(time).toISOString().replace('.000', '')
  if (now > notAfter)
    return { unusable: false, problem: `the certificate expired on ${day(notAfter)}` }
  if (now < notBefore)
    return {
      unusable: false,
      problem: `the certificate is not valid before ${day(notBefore)}`,
      changesAt: notBefore,
    }
  return { unusable: false, changesAt: notAfter, ...(wrongName ? { problem: wrongName } : {}) }
}

/** The message of the parser is left out: it may show what it could not parse. */
function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

/** Browsers go by the alternative names alone, never by the subject. */
function covers(certificate: X509Certificate, host: string): boolean {
  return certificate.checkHost(host, { subject: 'never' }) !== undefined
}

function namesOf({ subjectAltName }: X509Certificate): string {
  const names = [...(subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,\s]+)/g)]
  return names.map(([, name]) => name).join(', ') || 'no name at all'
}
