import { once } from 'node:events'
import { expect, it } from '@jest/globals'
import { ProcessEnded, Processes } from './processes.ts'

const shell = (name: string, script: string) => ({
  name,
  file: '/bin/sh',
  args: ['-c', script],
  env: { PATH: process.env.PATH },
  cwd: '/',
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it('one that ends by itself is an error with its last words', async () => {
  const processes = new Processes()
  processes.start(shell('coturn', 'echo listening; echo out of ports >&2; exit 3'))
  await expect(processes.failed).rejects.toThrow(/^coturn ended with code 3\n(.*\n)*.*out of ports/)
  await expect(processes.failed).rejects.toBeInstanceOf(ProcessEnded)
  await processes.stop(1000)
})

it('a program that is not there is an error that names it', async () => {
  const processes = new Processes()
  processes.start({ ...shell('LiveKit', ''), file: '/nowhere/livekit-server' })
  await expect(processes.failed).rejects.toThrow('LiveKit: spawn /nowhere/livekit-server ENOENT')
  await processes.stop(1000)
})

it('all end with what they have started, also those that do not want to', async () => {
  const lines: string[] = []
  const heard = new EventTarget()
  const processes = new Processes((_, line) => {
    lines.push(line)
    if (lines.length === 2) heard.dispatchEvent(new Event('both'))
  })
  const both = once(heard, 'both')
  processes.start(shell('stubborn', 'trap "" TERM; sleep 600 & echo $!; while :; do wait; done'))
  processes.start(shell('polite', 'sleep 600 & echo $!; wait'))
  await both
  await processes.stop(50)
  // What was killed is gone when its parent, or process 1, has seen it: the pipes are closed by then.
  expect(lines.map(Number).filter(isRunning)).toEqual([])
})

/** Alive, and no zombie that nobody has looked after yet. */
function isRunning(pid: number): boolean {
  return isAlive(pid) && !zombies().has(pid)
}

function zombies(): Set<number> {
  const { readdirSync, readFileSync } = process.getBuiltinModule('node:fs')
  const found = new Set<number>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      if (/\) Z /.test(readFileSync(`/proc/${entry}/stat`, 'utf8'))) found.add(Number(entry))
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}
