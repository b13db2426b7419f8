/** In life people have machines of their own; here their browser has the processors before all else. */
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** Niceness of what people's machines would do. */
const FIRST = -5

/**
 * Every thread of the browsers that this process has started, from now on. To be said again when pages have come:
 * Chromium gives each of their processes, and many a thread, a niceness of its own, whatever it was started with.
 */
export function browserFirst(): void {
  for (const pid of descendants(process.pid))
    if (programOf(pid).startsWith('chrom')) for (const thread of threadsOf(pid)) raise(thread)
}

function raise(thread: number): void {
  try {
    if (getPriority(thread) > FIRST) setPriority(thread, FIRST)
  } catch {
    // It has ended meanwhile.
  }
}

/** All processes below one. */
function descendants(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const parent = pid > 0 ? parentOf(pid) : undefined
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found: number[] = []
  for (let queue = children.get(root) ?? []; queue.length > 0; ) {
    found.push(...queue)
    queue = queue.flatMap((pid) => children.get(pid) ?? [])
  }
  return found
}

function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  // The name in brackets may hold anything; the parent is the second field after it.
  return stat === '' ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

const programOf = (pid: number): string => read(`/proc/${pid}/comm`)

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
