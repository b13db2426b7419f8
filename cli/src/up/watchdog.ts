import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Reads process groups, one a line, until its input ends: that is when whoever wrote them is gone, even killed. Then
 * it ends them and removes the folder. After the word `done` there is nothing to do.
 */
const script = `
groups=
while read -r line; do
  [ "$line" = done ] && exit 0
  groups="$groups $line"
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
for try in 1 2 3; do rm -rf "$1" && exit 0; sleep 0.2; done
`

/** Ends what this process has started, and removes its files, when it cannot do so itself: after a `kill -9`. */
export class Watchdog {
  readonly #shell: ChildProcess
  readonly #gone: Promise<unknown>

  /** @param folder with all that is to go */
  constructor(folder: string) {
    this.#shell = spawn('sh', ['-c', script, 'parley-up-watchdog', folder], {
      cwd: '/',
      // A terminal's Ctrl-C is not for it.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#shell.unref()
    // Without a shell there is no watchdog, and no other use of one that could be harmed.
    this.#shell.on('error', () => {})
    this.#shell.stdin?.on('error', () => {})
    this.#gone = once(this.#shell, 'exit').catch(() => {})
  }

  /** @param pid of the head of a process group */
  watch(pid: number): void {
    this.#shell.stdin?.write(`${pid}\n`)
  }

  /** All has ended in order. Resolves when the watchdog is gone, too. */
  async dismiss(): Promise<void> {
    // Waited for from here on: with nothing else to do this process would end before, and not in order.
    this.#shell.ref()
    this.#shell.stdin?.end('done\n')
    await this.#gone
  }
}
