import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { capacityFigures } from '@parley/relay-cost'
import { execa } from 'execa'
import { type Bench, type BenchOptions, type Figure, mergeRuns } from '../bench.ts'
import { cpuSeconds } from '../operator/process-figures.ts'

/**
 * What one core relays with coturn: packets a second of its processor time, which does not depend on
 * how much of the machine the clients take. `parley plan` reckons with the figure.
 */
export const turnBench: Bench = {
  name: 'turn',
  summary: 'packets that coturn relays in a second of processor time, over UDP on loopback',
  minutes: 1,
  async run(options) {
    const runs: Figure[][] = []
    for (let run = 0; run < options.repeat; run += 1) runs.push(await measure(options))
    return mergeRuns(runs)
  },
}

/** A video packet; audio packets are smaller and cost about the same. */
const messageBytes = 1000
const clients = 40
const messagesEach = 5000
const port = 34_780

async function measure({ say, signal }: BenchOptions): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-turn-bench-'))
  const server = execa(
    'turnserver',
    [
      ...['-n', '--no-cli', '--no-tls', '--no-dtls', '--no-auth', '--log-file', 'stdout'],
      ...['--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--realm', 'bench'],
      ...['--listening-port', String(port), '--min-port', '36000', '--max-port', '36999'],
      ...[
        '--allow-loopback-peers',
        '--userdb',
        join(folder, 'db'),
        '--pidfile',
        join(folder, 'pid'),
      ],
    ],
    { cwd: folder, stdout: 'ignore', stderr: 'ignore', cancelSignal: signal, reject: false },
  )
  try {
    await listening(signal)
    const { pid } = server
    if (!pid) throw new Error('turnserver does not start; apt-get install coturn')
    const before = cpuSeconds(pid)
    const started = performance.now()
    say(`${clients} clients send ${messagesEach} packets of ${messageBytes} bytes each`)
    const { stdout } = await execa(
      'turnutils_uclient',
      [
        ...['-y', '-c', '-m', String(clients), '-n', String(messagesEach)],
        ...['-l', String(messageBytes), '-z', '2', '-p', String(port), '127.0.0.1'],
      ],
      { cancelSignal: signal },
    )
    const seconds = (performance.now() - started) / 1000
    const used = cpuSeconds(pid) - before
    const received = Number(/.*tot_recv_msgs=(\d+)/s.exec(stdout)?.[1] ?? 0)
    if (received === 0) throw new Error('turnutils_uclient received nothing; run it by hand')
    // From client to client a packet goes through the sender's allocation and the receiver's.
    const relayed = 2 * received
    say(`${relayed} packets relayed in ${used.toFixed(1)} s of processor time`)
    return [
      {
        name: 'packets relayed a second of processor time',
        value: relayed / used,
        unit: '/s',
        floor: { atLeast: capacityFigures.turnPacketsPerCore.value },
      },
      { name: 'packets relayed a second in the run', value: relayed / seconds, unit: '/s' },
      {
        name: 'packets lost',
        value: 1 - received / (clients * messagesEach),
        unit: 'of 1',
      },
    ]
  } finally {
    server.kill('SIGTERM')
    await server
    await rm(folder, { recursive: true, force: true })
  }
}

async function listening(signal: AbortSignal): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect', { signal })
      return
    } catch {
      await wait(100, undefined, { signal })
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`turnserver does not listen on port ${port}; apt-get install coturn`)
}
