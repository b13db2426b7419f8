import { readFileSync } from 'node:fs'

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
