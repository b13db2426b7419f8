import { type NewKey, type Pair, rsaKey, signCertificate } from '../certificate.ts'

/** A certificate authority. */
export function clientAuthority(commonName: string): Promise<Pair> {
  return signCertificate({
    commonName,
    days: 1,
    now: Date.now(),
    newKey: rsaKey,
    extensions: [{ name: 'basicConstraints', cA: true, critical: true }],
  })
}

/** A client's certificate; all clients share a key. */
export function clientCertificate(commonName: string, ca: Pair): Promise<Pair> {
  return signCertificate({
    commonName,
    days: 1,
    now: Date.now(),
    newKey: sharedKey,
    ca,
    extensions: [{ name: 'extKeyUsage', clientAuth: true }],
  })
}

let shared: ReturnType<NewKey> | undefined
const sharedKey: NewKey = () => {
  shared ??= rsaKey()
  return shared
}
