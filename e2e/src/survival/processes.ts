/** Who had the processors, and when: what a video that stands still on a busy machine is to be blamed on. */
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in ticks of 10 ms (USER_HZ, proc(5)). */
const TICK_MS = 10
const EVERY_MS = 250
/** More than a disruption takes. */
const KEPT_MS = 180_000

/** CPU time in ms by process, since the sample before. */
type Sample = { at: number; busyMs: number; stolenMs: number; used: Map<string, number> }

/** Looks at all processes of the machine four times a second. */
export class ProcessWatch {
  readonly #samples: Sample[] = []
  #before = new Map<string, number>()
  #names = new Map<string, string>()
  #machine = machineTimes()
  #timer: NodeJS.Timeout | undefined

  start(): void {
    // What was used before it begins is no matter of the first sample.
    this.#take()
    this.#samples.length = 0
    this.#timer ??= setInterval(() => this.#take(), EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /**
   * One line: the processes that used most between two moments, in ms of CPU, and what the machine did in all.
   * Processes that lived for less than a quarter of a second are seen in the sum alone.
   *
   * @param from @param to ms since the epoch
   */
  during(from: number, to: number): string {
    const samples = this.#samples.filter(({ at }) => at >= from && at <= to + EVERY_MS)
    const used = new Map<string, number>()
    for (const sample of samples)
      for (const [name, ms] of sample.used) used.set(name, (used.get(name) ?? 0) + ms)
    const sum = (pick: (sample: Sample) => number) => samples.reduce((a, b) => a + pick(b), 0)
    const top = [...used].sort(([, a], [, b]) => b - a).slice(0, 14)
    const known = [...used.values()].reduce((a, b) => a + b, 0)
    const busy = sum(({ busyMs }) => busyMs)
    return [
      `busy ${busy} ms, stolen ${sum(({ stolenMs }) => stolenMs)} ms, of short-lived ones ${busy - known} ms`,
      ...top.map(([name, ms]) => `${name} ${ms}`),
    ].join(', ')
  }

  #take(): void {
    const at = Date.now()
    const used = new Map<string, number>()
    const seen = new Map<string, number>()
    const names = new Map<string, string>()
    for (const pid of readdirSync('/proc')) {
      if (!/^\d/.test(pid)) continue
      const ms = cpuMs(pid)
      if (ms === undefined) continue
      const name = this.#names.get(pid) ?? nameOf(pid)
      // A container's first process is runc before it becomes what it runs.
      if (!name.startsWith('runc')) names.set(pid, name)
      seen.set(pid, ms)
      const more = ms - (this.#before.get(pid) ?? 0)
      if (more > 0) used.set(name, (used.get(name) ?? 0) + more)
    }
    const machine = machineTimes()
    const { busyMs, stolenMs } = this.#machine
    this.#samples.push({
      at,
      used,
      busyMs: machine.busyMs - busyMs,
      stolenMs: machine.stolenMs - stolenMs,
    })
    this.#before = seen
    this.#names = names
    this.#machine = machine
    while ((this.#samples[0]?.at ?? at) < at - KEPT_MS) this.#samples.shift()
  }
}

function cpuMs(pid: string): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  // The name in brackets may hold anything; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return stat === '' ? undefined : (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** The program, and what it does: the kind of a browser's process, a script of ours, a subcommand. */
function nameOf(pid: string): string {
  const program = read(`/proc/${pid}/comm`).trim()
  // Chromium joins the words of its children by spaces.
  const words = read(`/proc/${pid}/cmdline`).split(/[\0 ]/).slice(1)
  const kind = words.find((word) => word.startsWith('--type='))?.slice('--type='.length)
  const script = words.find((word) => /^[^-].*\.(ts|m?js)$/.test(word))
  const what = kind ?? script?.split('/').at(-1) ?? words.find((word) => /^[a-z-]+$/.test(word))
  return what ? `${program} ${what}` : program
}

/** All processors together, since the machine started. */
function machineTimes(): { busyMs: number; stolenMs: number } {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, stolen = 0] = read('/proc/stat')
    .slice('cpu '.length)
    .trimStart()
    .split(/\s/, 8)
    .map(Number)
  return { busyMs: (user + nice + system + irq + softIrq) * TICK_MS, stolenMs: stolen * TICK_MS }
}

/** Empty of a process that has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
