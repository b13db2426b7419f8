import { chmod, copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execa } from 'execa'
import { repositoryRoot } from './paths.ts'
import { freePort } from './testing/free-port.ts'
import { TurnClient, turnCredentials } from './testing/turn-client.ts'
import { asRoot } from './tools.ts'

/*
 * The scripts of the coturn image around Debian's coturn 4.6.1, with the entrypoint as process 1 of its own PID
 * namespace, as in a container.
 */
jest.setTimeout(60_000)

const clients: TurnClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) {
    // Gives back what it holds; coturn may be gone.
    await client.refresh(0).catch(() => undefined)
    client.close()
  }
})

describe('coturn that runs', () => {
  let coturn: Coturn
  beforeAll(async () => {
    coturn = await Coturn.start({ 'secrets/turn/secrets': 'first\n' })
  })
  afterAll(() => coturn.remove())

  it('REQ-K3: takes a new secret without a restart and refuses a dropped one, while allocations go on', async () => {
    const before = await coturn.client('first')
    expect((await before.allocate()).error).toBeUndefined()
    expect(await coturn.allocateWith('second')).toBe(401)

    await coturn.write('secrets/turn/secrets', 'first\nsecond\n')
    await coturn.says('secrets accepted: 2')
    expect(await coturn.allocateWith('first')).toBeUndefined()
    expect(await coturn.allocateWith('second')).toBeUndefined()

    await coturn.write('secrets/turn/secrets', 'second\n')
    await coturn.says('secrets accepted: 1', 2)
    expect(await coturn.allocateWith('first')).toBe(401)
    expect(await coturn.allocateWith('second')).toBeUndefined()
    // Made with the secret that is gone.
    expect(await before.refresh()).toEqual({ lifetime: 600 })
    expect(await before.permit('192.0.2.7')).toEqual({})
    expect(await before.refresh(0)).toEqual({ lifetime: 0 })

    // An empty file is somebody's accident: with no secret nobody could come in.
    await coturn.write('secrets/turn/secrets', '')
    await coturn.says('going on with the secrets and peers from before')
    expect(await coturn.allocateWith('second')).toBeUndefined()
    expect(coturn.log).not.toMatch(/first|second/)
  })

  it('REQ-K3: takes other peers without a restart; what is denied for good stays so', async () => {
    await coturn.write('secrets/turn/secrets', 'first\n')
    await coturn.says('secrets accepted: 1', 3)
    const client = await coturn.client('first')
    await client.allocate()
    const denied = async (address: string) => (await client.permit(address)).error
    expect(await denied('10.1.2.3')).toBe(403)
    expect(await denied('192.0.2.8')).toBeUndefined()

    await coturn.write('turn/more-denied-peers', '192.0.2.0/24\n')
    await coturn.write('turn/allowed-peers', '10.1.2.3\n')
    // turnserver reads them every five seconds.
    await until(async () => (await denied('192.0.2.8')) === 403)
    expect(await denied('10.1.2.3')).toBeUndefined()
    expect(await denied('10.1.2.4')).toBe(403)

    await coturn.write('turn/allowed-peers', 'nonsense\n')
    await coturn.says('allowed-peers: line 1 is no address range')
    expect(await denied('10.1.2.3')).toBeUndefined()

    await coturn.write('turn/more-denied-peers', '')
    await coturn.write('turn/allowed-peers', '')
    await until(async () => (await denied('10.1.2.3')) === 403)
    expect(await denied('192.0.2.8')).toBeUndefined()
  })

  it('REQ-K7: is waited for while it holds allocations, and says so', async () => {
    const client = await coturn.client('first')
    const { relayed } = await client.allocate()
    expect(relayed?.port).toBeGreaterThanOrEqual(coturn.relayMin)
    // Those of the tests before go a moment after coturn has agreed.
    await until(async () => (await coturn.run('turn-allocations')) === '1')
    const drained = coturn.run('turn-drain', { PARLEY_QUIET_SECONDS: '1' })
    await coturn.says('waiting since 0 s, for 30 s at most; allocations: 1')
    expect(await client.refresh()).toEqual({ lifetime: 600 })
    await client.refresh(0)
    await drained
    await coturn.says('no allocation is left')
    expect(await coturn.run('turn-allocations')).toBe('0')
  })

  it('REQ-K7: is waited for no longer than it may take', async () => {
    const client = await coturn.client('first')
    await client.allocate()
    await coturn.run('turn-drain', { TURN_DRAIN_SECONDS: '1' })
    await coturn.says('giving up after 1 s; allocations that end: 1')
    await client.refresh(0)
  })

  it('REQ-K7: ends at once when it is stopped, though turnserver ignores that as process 1', async () => {
    await coturn.terminate()
    expect(await coturn.exited).toBe(0)
  })
})

describe('coturn over TLS', () => {
  let coturn: Coturn
  beforeAll(async () => {
    coturn = await Coturn.start({ 'secrets/turn/secrets': 'first\n' }, { tls: true })
  })
  afterAll(() => coturn.remove())

  it('REQ-K3: serves without a certificate, takes one that comes, and a renewed one, and keeps it when the next is bad', async () => {
    await coturn.says('no TURN over TLS until it is there')
    expect(await coturn.allocateWith('first')).toBeUndefined()
    await expect(coturn.certificateName()).rejects.toThrow()

    const running = await coturn.client('first')
    await running.allocate()
    await coturn.certificate('turn.example.com')
    await until(async () => (await coturn.certificateName().catch(() => '')) === 'turn.example.com')
    await coturn.certificate('renewed.example.com')
    await until(async () => (await coturn.certificateName()) === 'renewed.example.com')

    await coturn.write('secrets/tls/tls.crt', 'no certificate\n')
    await coturn.says('reading the certificate again', 3)
    await coturn.says('no certificate found')
    expect(await coturn.certificateName()).toBe('renewed.example.com')
    expect(await running.refresh()).toEqual({ lifetime: 600 })
  })
})

it('REQ-K1: coturn whose node has another external address starts anew as soon as nobody needs the old one', async () => {
  const coturn = await Coturn.start({ 'secrets/turn/secrets': 'first\n' })
  try {
    const client = await coturn.client('first')
    await client.allocate()
    await coturn.write('turn/addresses.json', '{"node-1": "203.0.113.9"}')
    await coturn.says('the external address is 203.0.113.9 now')
    expect((await client.refresh()).error).toBeUndefined()
    await client.refresh(0)
    expect(await coturn.exited).toBe(0)
    expect(coturn.log).toContain('starting anew for the external address 203.0.113.9')
  } finally {
    await coturn.remove()
  }
})

/** A container's worth of coturn on loopback. */
class Coturn {
  readonly relayMin: number
  readonly exited: Promise<number | undefined>
  readonly #folder: string
  readonly #port: number
  readonly #tlsPort: number
  readonly #child: { pid?: number | undefined; kill(signal: NodeJS.Signals): boolean }
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
    this.exited = child.then(({ exitCode }) => exitCode)
  }

  static async start(files: Record<string, string>, { tls = false } = {}): Promise<Coturn> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-coturn-'))
    await mkdir(join(folder, 'bin'))
    const scripts = {
      'entrypoint.sh': 'parley-coturn',
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

  async client(secret: string): Promise<TurnClient> {
    const client = await TurnClient.connect(this.#port, turnCredentials(secret))
    clients.push(client)
    return client
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
  says(text: string, times = 1): Promise<void> {
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

async function until(condition: () => Promise<boolean>, log = () => ''): Promise<void> {
  const giveUpAt = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > giveUpAt) {
      throw new Error(`this did not come about: ${condition}\n${log()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
