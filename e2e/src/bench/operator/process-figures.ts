import { readdirSync, readFileSync } from 'node:fs'

/** Of USER_HZ, which Linux fixes for what /proc says. */
const TICKS_PER_SECOND = 100

/** CPU time of a process so far, user and system together. */
export function cpuSeconds(pid: number): number {
  // The name, in parentheses, may have spaces in it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The most memory that a process has had at a time (VmHWM). */
export function peakMebibytes(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1024
}

/** Of the processes whose command line has all of these texts. */
export function cpuSecondsOf(...texts: string[]): number {
  let total = 0
  for (const pid of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(pid)) continue
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (texts.every((text) => command.includes(text))) total += cpuSeconds(Number(pid))
    } catch {
      // It has just ended.
    }
  }
  return total
}
