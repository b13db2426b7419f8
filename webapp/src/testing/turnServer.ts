import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { freePorts, ownAddress } from './sfuRig.ts'

/** A coturn of a test's own, at an address of this machine that browsers relay through. */
export async function startTurnServer() {
  const directory = await mkdtemp(join(tmpdir(), 'parley-turn-'))
  const [port] = await freePorts(1)
  const address = ownAddress()
  const secret = randomBytes(24).toString('hex')
  const child = execa(
    'turnserver',
    [
      ...['-n', '--use-auth-secret', `--static-auth-secret=${secret}`, '--realm=test.test'],
      ...[`--listening-port=${port}`, `--listening-ip=${address}`, `--relay-ip=${address}`],
      ...['--min-port=46000', '--max-port=46100', '--no-cli', '--no-tls', '--no-dtls'],
      ...['--log-file=/dev/null', `--pidfile=${join(directory, 'turn.pid')}`],
      ...['--userdb', join(directory, 'turndb')],
    ],
    { reject: false, buffer: false, stdio: 'ignore' },
  )
  return {
    secret,
    url: `turn:${address}:${port}?transport=udp`,
    async stop() {
      child.kill('SIGKILL')
      await child
      await rm(directory, { recursive: true, force: true })
    },
  }
}
