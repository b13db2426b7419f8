import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'

export interface Pair {
  certificate: string
  key: string
}

/** A client certificate, signed by an authority, or an authority of its own. */
export function clientCertificate(commonName: string, ca?: Pair): Pair {
  const { privateKey, publicKey } = ca ? clientKeys() : newKeys()
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = '01'
  certificate.validity.notBefore = new Date(Date.now() - 60_000)
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000)
  const subject = [{ name: 'commonName', value: commonName }]
  certificate.setSubject(subject)
  certificate.setIssuer(
    ca ? forge.pki.certificateFromPem(ca.certificate).subject.attributes : subject,
  )
  certificate.setExtensions(
    ca
      ? [{ name: 'extKeyUsage', clientAuth: true }]
      : [{ name: 'basicConstraints', cA: true, critical: true }],
  )
  certificate.sign(forge.pki.privateKeyFromPem(ca?.key ?? privateKey), forge.md.sha256.create())
  return { certificate: forge.pki.certificateToPem(certificate), key: privateKey }
}

/** Clients may share a key; authorities are told apart by theirs. */
let shared: ReturnType<typeof newKeys> | undefined
function clientKeys() {
  shared ??= newKeys()
  return shared
}

function newKeys() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
}
