import { chmod, copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { freePort } from '@parley/devcluster'
import { execa } from 'execa'
import { repositoryRoot } from '../paths.ts'
import { asRoot } from '../tools.ts'
import { TurnClient, turnCredentials } from './turn-client.ts'

/**
 * The scripts of the coturn image around Debian's coturn 4.6.1 on loopback, with the entrypoint as process 1 of its
 * own PID namespace, as in a container.
 */
export class Coturn {
  readonly relayMin: number
  readonly exited: Promise<number | undefined>
  readonly #folder: string
  readonly #port: number
  readonly #tlsPort: number
  readonly #child: { pid?: number | undefined; kill(signal: NodeJS.Signals): boolean }
  readonly #clients: TurnClient[] = []
  #log = ''

  private constructor(folder: string, port: number, tlsPort: number, tls: boolean) {
    this.#folder = folder
    this.#port = port
    this.#tlsPort = tlsPort
    this.relayMin = 20_000 + 200 * Math.floor(Math.random() * 60)
    const [file = '', ...args] = [
      ...asRoot(),
      ...['unshare', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', 'env'],
      ...Object.entries({
        ...this.#environment(),
        POD_NAME: 'demo-turn-abc',
        NODE_NAME: 'node-1',
        HOST_IP: '127.0.0.1',
        CLUSTER_NAME: 'demo',
        REDIS_HOST: '',
        TURN_LISTEN_PORT: String(port),
        TURN_TLS_PORT: tls ? String(tlsPort) : '',
      }).map(([name, value]) => `${name}=${value}`),
      join(folder, 'bin/parley-coturn'),
    ]
    const child = execa(file, args, { reject: false, all: true, buffer: false, stdin: 'ignore' })
    child.all.on('data', (chunk) => {
      this.#log += chunk
    })
    this.#child = child
    this.exited = (async () => (await child).exitCode)()
  }

  static async start(files: Record<string, string>, { tls = false } = {}): Promise<Coturn> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-coturn-'))
    await mkdir(join(folder, 'bin'))
    const scripts = {
      'entrypoint.sh': 'parley-coturn',
      'common.sh': 'common.sh',
      'turn-allocations.sh': 'turn-allocations',
      'turn-drain.sh': 'turn-drain',
    }
    for (const [script, name] of Object.entries(scripts)) {
      await copyFile(join(repositoryRoot, 'images/coturn', script), join(folder, 'bin', name))
      await chmod(join(folder, 'bin', name), 0o755)
    }
    const all = {
      'turn/addresses.json': '{"node-1": "127.0.0.1"}',
      'turn/denied-peers': '10.0.0.0/8\n',
      ...files,
    }
    for (const [name, text] of Object.entries(all)) await write(folder, name, text)
    const coturn = new Coturn(folder, await freePort(), await freePort(), tls)
    await coturn.says('SQLite DB connection success')
    await until(() =>
      coturn.allocateWith('first').then(
        (error) => error === undefined,
        () => false,
      ),
    )
    return coturn
  }

  get log(): string {
    return this.#log
  }

  /** Ended with {@link Coturn.forgetClients}. */
  async client(secret: string): Promise<TurnClient> {
    const client = await TurnClient.connect(this.#port, turnCredentials(secret))
    this.#clients.push(client)
    return client
  }

  async forgetClients(): Promise<void> {
    for (const client of this.#clients.splice(0)) {
      // Gives back what it holds; coturn may be gone.
      await client.refresh(0).catch(() => undefined)
      client.close()
    }
  }

  /** The error, if any, of an allocation that is given back. */
  async allocateWith(secret: string): Promise<number | undefined> {
    const client = await this.client(secret)
    const { error } = await client.allocate()
    if (error === undefined) await client.refresh(0)
    return error
  }

  write(name: string, text: string): Promise<void> {
    return write(this.#folder, name, text)
  }

  /** Waits until its log has the text so many times. */
  says(text: string | RegExp, times = 1): Promise<void> {
    return until(
      async () => this.#log.split(text).length > times,
      () => this.#log,
    )
  }

  /** Runs one of the scripts where process 1 is; its output. */
  async run(script: string, env: Record<string, string> = {}): Promise<string> {
    const { stdout } = await this.#inside([
      'env',
      ...Object.entries({ ...this.#environment(), ...env }).map(
        ([key, value]) => `${key}=${value}`,
      ),
      join(this.#folder, 'bin', script),
    ])
    return `${stdout}`
  }

  async terminate(): Promise<void> {
    await this.#inside(['kill', '-TERM', '1'])
  }

  /** Mounts a new certificate as a Secret's volume would. */
  async certificate(name: string): Promise<void> {
    const made = join(this.#folder, 'made')
    await mkdir(made, { recursive: true })
    await execa('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', join(made, 'tls.key'), '-out', join(made, 'tls.crt'), '-days', '2'],
      ...['-subj', `/CN=${name}`],
    ])
    for (const file of ['tls.key', 'tls.crt']) {
      await this.write(`secrets/tls/${file}`, await readFile(join(made, file), 'utf8'))
    }
  }

  /** Common name of the certificate that a TLS client is shown. */
  async certificateName(): Promise<string> {
    const socket = connect({ port: this.#tlsPort, host: '127.0.0.1', rejectUnauthorized: false })
    try {
      await new Promise((resolve, reject) => {
        socket.once('secureConnect', resolve).once('error', reject)
      })
      return socket.getPeerX509Certificate()?.subject.replace('CN=', '') ?? ''
    } finally {
      socket.destroy()
    }
  }

  async remove(): Promise<void> {
    await this.forgetClients()
    this.#child.kill('SIGTERM')
    await this.#inside(['kill', '-TERM', '1']).catch(() => undefined)
    await this.exited
    const [file = '', ...args] = [...asRoot(), 'rm', '-rf', this.#folder]
    await execa(file, args)
  }

  #environment() {
    return {
      PARLEY_ETC: join(this.#folder, 'etc'),
      PARLEY_RUN: join(this.#folder, 'run'),
      PARLEY_POLL_SECONDS: '0.2',
      TURN_DRAIN_SECONDS: '30',
      TURN_RELAY_MIN: String(this.relayMin),
      TURN_RELAY_MAX: String(this.relayMin + 199),
    }
  }

  async #inside(command: string[]) {
    const [file = '', ...args] = [
      ...asRoot(),
      ...['nsenter', '--pid', '--mount', `--target=${await this.#processOne()}`, '--'],
      ...command,
    ]
    return execa(file, args)
  }

  /** The entrypoint, as the machine numbers it. */
  async #processOne(): Promise<string> {
    let pid = String(this.#child.pid)
    for (;;) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      if (/^NSpid:\t\d+\t1$/m.test(status)) return pid
      const [child] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ')
      if (!child) throw new Error('the entrypoint does not run')
      pid = child
    }
  }
}

async function write(folder: string, name: string, text: string): Promise<void> {
  const file = join(folder, 'etc', name)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
}

/** @param log what to show when it does not come about within a minute */
export async function until(condition: () => Promise<boolean>, log = () => ''): Promise<void> {
  const giveUpAt = performance.now() + 60_000
  while (!(await condition())) {
    if (performance.now() > giveUpAt) {
      throw new Error(`this did not come about: ${condition}\n${log()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
