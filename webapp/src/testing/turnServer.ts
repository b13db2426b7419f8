import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@parley/devcluster'
import { execa } from 'execa'
import { ownAddress } from './sfuRig.ts'

/** A coturn of a test's own, at an address of this machine that browsers relay through, by UDP, TCP and TLS. */
export async function startTurnServer() {
  const directory = await mkdtemp(join(tmpdir(), 'parley-turn-'))
  const [port, tlsPort] = await freePorts(2)
  const address = ownAddress()
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...[
      '-keyout',
      key,
      '-out',
      cert,
      '-subj',
      '/CN=test',
      '-addext',
      `subjectAltName=IP:${address}`,
    ],
  ])
  const secret = randomBytes(24).toString('hex')
  const child = execa(
    'turnserver',
    [
      ...['-n', '--use-auth-secret', `--static-auth-secret=${secret}`, '--realm=test.test'],
      ...[`--listening-port=${port}`, `--listening-ip=${address}`, `--relay-ip=${address}`],
      ...['--min-port=46000', '--max-port=46100', '--no-cli', '--no-dtls'],
      ...[`--tls-listening-port=${tlsPort}`, '--cert', cert, '--pkey', key],
      ...['--log-file=/dev/null', `--pidfile=${join(directory, 'turn.pid')}`],
      ...['--userdb', join(directory, 'turndb')],
    ],
    { reject: false, buffer: false, stdio: 'ignore' },
  )
  const urls = {
    udp: `turn:${address}:${port}?transport=udp`,
    tcp: `turn:${address}:${port}?transport=tcp`,
    tls: `turns:${address}:${tlsPort}?transport=tcp`,
  }
  return {
    ...{ secret, urls, url: urls.udp },
    /** Of its certificate, which signs itself: what a browser may be told to trust. */
    publicKeyHash: publicKeyHash(await readFile(cert)),
    async stop() {
      child.kill('SIGKILL')
      await child
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** SHA-256 of the SubjectPublicKeyInfo, in base64. */
function publicKeyHash(certificate: Buffer): string {
  const { publicKey } = new X509Certificate(certificate)
  const info = publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(info).digest('base64')
}
