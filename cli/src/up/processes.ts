import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A process ended that should have gone on; the message ends with what it said last. */
export class ProcessEnded extends Error {
  readonly code = 'PROCESS_ENDED'
}

export interface Command {
  /** As people know it: `signaling`, `coturn`. */
  name: string
  file: string
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  cwd: string
}

const linesKept = 12

/**
 * Child processes, each the head of a group of its own: the terminal's Ctrl-C reaches only the one who started them,
 * and whatever they start ends with them.
 */
export class Processes {
  readonly #children = new Map<ChildProcess, { name: string; gone: Promise<unknown> }>()
  readonly #onLine: (name: string, line: string) => void
  readonly #onStart: (pid: number) => void
  #stopping = false
  #fail: (error: Error) => void = () => {}

  /** Rejects as soon as one of them ends by itself; never resolves. */
  readonly failed: Promise<never>

  /** @param onStart told of each group by the id of its head */
  constructor(
    onLine: (name: string, line: string) => void = () => {},
    onStart: (pid: number) => void = () => {},
  ) {
    this.#onLine = onLine
    this.#onStart = onStart
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {})
  }

  /** Starts nothing any more once all are to end. */
  start({ name, file, args, env, cwd }: Command): void {
    if (this.#stopping) return
    const child = spawn(file, args, {
      env: env as NodeJS.ProcessEnv,
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (child.pid !== undefined) this.#onStart(child.pid)
    const last: string[] = []
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        last.push(line)
        if (last.length > linesKept) last.shift()
        this.#onLine(name, line)
      })
    child.on('error', (error) => this.#fail(new ProcessEnded(`${name}: ${error.message}`)))
    // Not before its last words are read.
    child.on('close', (code, signal) => {
      if (this.#stopping) return
      const how = signal ? `was ended by ${signal}` : `ended with code ${code}`
      this.#fail(
        new ProcessEnded([`${name} ${how}`, ...last.map((line) => `  ${line}`)].join('\n')),
      )
    })
    this.#children.set(child, { name, gone: once(child, 'close').catch(() => {}) })
  }

  /** Ends all: asks them to, and after `graceMs` does it. Resolves when nothing of them is left. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    for (const child of this.#children.keys()) signal(child, 'SIGTERM')
    const late = setTimeout(() => this.kill(), graceMs)
    await Promise.all([...this.#children.values()].map(({ gone }) => gone))
    clearTimeout(late)
    // What a child has left behind in its group.
    this.kill()
  }

  /** At once, without waiting. */
  kill(): void {
    this.#stopping = true
    for (const child of this.#children.keys()) signal(child, 'SIGKILL')
  }
}

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch {
    // The group is gone.
  }
}
