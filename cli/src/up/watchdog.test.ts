import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it, jest } from '@jest/globals'
import { execa } from 'execa'

// Processes on a machine that may be busy.
jest.setTimeout(60_000)

/** Runs in a process of its own: starts what outlives it, tells its id, and goes on. */
const program = (folder: string) => `
import { Processes } from ${JSON.stringify(fileURLToPath(new URL('./processes.ts', import.meta.url)))}
import { Watchdog } from ${JSON.stringify(fileURLToPath(new URL('./watchdog.ts', import.meta.url)))}
const watchdog = new Watchdog(${JSON.stringify(folder)})
const processes = new Processes((_, line) => console.log(line), (pid) => watchdog.watch(pid))
const script = 'trap "" TERM; sleep 600 & echo $$ $!; wait; wait'
processes.start({ name: 'x', file: 'sh', args: ['-c', script], env: process.env, cwd: '/' })
process.stdin.resume().on('end', async () => {
  await processes.stop(0)
  await watchdog.dismiss()
})
`

async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-watchdog-'))
  const child = execa(process.execPath, ['--input-type=module', '-e', program(folder)], {
    reject: false,
  })
  const [line] = await Promise.race([
    new Promise<string[]>((resolve) => child.stdout.once('data', (data) => resolve([`${data}`]))),
    child.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ])
  return { child, folder, pids: (line ?? '').trim().split(' ').map(Number) }
}

it('REQ-K5: after a kill -9 what was started ends, and the folder goes', async () => {
  const { child, folder, pids } = await start()
  try {
    expect(pids).toHaveLength(2)
    child.kill('SIGKILL')
    await child
    await until(() => !pids.some(isAlive) && !existsSync(folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('whoever ends in order keeps the folder: removing it is theirs', async () => {
  const { child, folder, pids } = await start()
  try {
    child.stdin.end()
    await child
    await until(() => !pids.some(isAlive))
    expect(existsSync(folder)).toBe(true)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('who has dismissed it goes on, though there is nothing else to wait for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-watchdog-'))
  const text = `
import { Watchdog } from ${JSON.stringify(fileURLToPath(new URL('./watchdog.ts', import.meta.url)))}
for (let times = 0; times < 10; times++) await new Watchdog(${JSON.stringify(folder)}).dismiss()
console.log('over')
`
  try {
    const args = ['--input-type=module', '-e', text]
    const { exitCode, stdout } = await execa(process.execPath, args, { reject: false })
    expect([exitCode, stdout]).toEqual([0, 'over'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Running, and no zombie that nobody has looked after yet. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(20)
}
