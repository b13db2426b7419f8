import {
  createPrivateKey,
  createSign,
  generateKeyPair,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { asn1, pki } from 'node-forge'

/** What the API is served with, all PEM. */
export interface ServingIdentity {
  /** Authorities that clients are to trust, the newest first: it signs; older ones stay until they expire. */
  caBundle: string
  caKey: string
  certificate: string
  key: string
}

const DAY_MS = 86_400_000
const CA_DAYS = 365
const SERVING_DAYS = 90
/** A serving certificate that the old authority has signed runs out before that authority does. */
const CA_RENEW_DAYS = SERVING_DAYS
const SERVING_RENEW_DAYS = 30
/** Clocks of others may be behind. */
const BACKDATE_MS = 3_600_000

/**
 * The identity to serve with from now on, or undefined where the current one is good for longer. What lacks a part,
 * does not fit together, is made for other names or runs out soon is replaced.
 *
 * A new authority joins the bundle 90 days before the old one ends, and signs from the next renewal on: by then
 * whoever trusts the bundle has had two months to hear of it.
 *
 * @param current as found, from wherever it was kept
 * @param dnsNames names that clients call the server by
 * @param now milliseconds since the epoch
 * @param newKey makes a key of RSA
 */
export async function renewedIdentity(
  current: Partial<ServingIdentity>,
  dnsNames: readonly string[],
  now: number,
  newKey: NewKey = rsaKey,
): Promise<ServingIdentity | undefined> {
  const known = authorities(current.caBundle).filter((ca) => ca.validToDate.getTime() > now)
  const signs = known[0]
  const caKey = current.caKey ?? ''
  const keepsCa = signs && fits(signs, caKey) && daysLeft(signs, now) > CA_RENEW_DAYS
  const serving = parse(current.certificate)
  const keepsServing =
    serving &&
    fits(serving, current.key ?? '') &&
    daysLeft(serving, now) > SERVING_RENEW_DAYS &&
    dnsNames.every((name) => serving.checkHost(name) !== undefined) &&
    known.some((ca) => serving.checkIssued(ca) && serving.verify(ca.publicKey))
  if (keepsCa && keepsServing) return undefined

  const ca = keepsCa
    ? { certificate: signs.toString(), key: caKey }
    : await makeAuthority(now, newKey)
  const pair =
    keepsServing && current.certificate && current.key
      ? { certificate: current.certificate, key: current.key }
      : await makeServing(ca, dnsNames, now, newKey)
  const older = known.map(String).filter((certificate) => certificate !== ca.certificate)
  return {
    caBundle: [ca.certificate, ...older].map((certificate) => `${certificate.trim()}\n`).join(''),
    caKey: ca.key,
    ...pair,
  }
}

/** The certificates of a bundle; what is none is left out. */
export function authorities(bundle = ''): X509Certificate[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.flatMap((block) => parse(block) ?? [])
}

function parse(pem: string | undefined): X509Certificate | undefined {
  try {
    return pem ? new X509Certificate(pem) : undefined
  } catch {
    return undefined
  }
}

function fits(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function daysLeft(certificate: X509Certificate, now: number): number {
  return (certificate.validToDate.getTime() - now) / DAY_MS
}

/** PEM. */
export interface Pair {
  certificate: string
  key: string
}

function makeAuthority(now: number, newKey: NewKey): Promise<Pair> {
  // Two authorities must not have one name: their certificates would be taken for each other's.
  const commonName = `parley-metrics-api-ca-${Math.floor(now / 1000)}`
  return signCertificate({
    commonName,
    days: CA_DAYS,
    now,
    newKey,
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      { name: 'subjectKeyIdentifier' },
    ],
  })
}

function makeServing(
  ca: Pair,
  dnsNames: readonly string[],
  now: number,
  newKey: NewKey,
): Promise<Pair> {
  return signCertificate({
    commonName: dnsNames[0] ?? '',
    days: SERVING_DAYS,
    now,
    newKey,
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: dnsNames.map((value) => ({ type: 2, value })) },
    ],
  })
}

/**
 * A new key and its certificate, signed by `ca` or by itself. Node makes keys and reads certificates; writing one
 * is what it lacks, and a library is loaded for just then.
 */
export async function signCertificate(request: {
  commonName: string
  days: number
  now: number
  ca?: Pair
  extensions: object[]
  newKey: NewKey
}): Promise<Pair> {
  const { default: forge } = await import('node-forge')
  const { ca, commonName, now, days } = request
  const { privateKey, publicKey } = await request.newKey()
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  // Positive, whatever the first random bit says.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`
  certificate.validity.notBefore = new Date(now - BACKDATE_MS)
  certificate.validity.notAfter = new Date(now + days * DAY_MS)
  const subject = [{ name: 'commonName', value: commonName }]
  certificate.setSubject(subject)
  certificate.setIssuer(
    ca ? forge.pki.certificateFromPem(ca.certificate).subject.attributes : subject,
  )
  certificate.setExtensions(request.extensions)
  // The library would do the arithmetic in JavaScript; what it is good for is the writing.
  const algorithm = forge.pki.oids.sha256WithRSAEncryption ?? ''
  certificate.signatureOid = algorithm
  certificate.siginfo.algorithmOid = algorithm
  const unsigned = forge.asn1
    .toDer((forge.pki as WithTbs).getTBSCertificate(certificate))
    .getBytes()
  certificate.signature = createSign('sha256')
    .update(Buffer.from(unsigned, 'binary'))
    .sign(ca?.key ?? privateKey, 'binary')
  const pem = forge.pki.certificateToPem(certificate)
  // As everybody else writes it, so that a certificate is one text wherever it is kept.
  return { certificate: pem.replaceAll('\r\n', '\n'), key: privateKey }
}

/** What the types of the library leave out. */
type WithTbs = typeof pki & { getTBSCertificate(certificate: pki.Certificate): asn1.Asn1 }

/** PEM: PKCS #1 and SPKI. */
export type NewKey = () => Promise<{ privateKey: string; publicKey: string }>

export const rsaKey: NewKey = () =>
  promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
