import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'

/** A certificate that signs itself, and its key, in PEM form. @param days 0: it has expired */
export function selfSigned(dnsNames: string[], days = 30): { crt: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    // Made in no time, and safe enough for tests.
    modulusLength: 1024,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = '01'
  certificate.validity.notBefore = new Date(Date.now() - 24 * 3600_000)
  certificate.validity.notAfter = new Date(Date.now() + days * 24 * 3600_000 - 60_000)
  const subject = [{ name: 'commonName', value: 'test' }]
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  const altNames = dnsNames.map((value) => ({ type: 2, value }))
  certificate.setExtensions([{ name: 'subjectAltName', altNames }])
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create())
  return { crt: forge.pki.certificateToPem(certificate), key: privateKey }
}

/** As the data of a Secret. */
export function tlsData({ crt, key }: { crt: string; key: string }): Record<string, string> {
  return { 'tls.crt': base64(crt), 'tls.key': base64(key) }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
