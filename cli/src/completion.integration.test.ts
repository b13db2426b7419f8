import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execa } from 'execa'
import { completionScript } from './completion.ts'

// Each answer is a process of its own.
jest.setTimeout(120_000)

const bin = fileURLToPath(new URL('../bin', import.meta.url))
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-completion-'))
  await symlink(join(bin, 'parley.mjs'), join(home, 'parley'))
  await writeFile(join(home, '_parley'), completionScript('zsh'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function run(shell: string, args: string[], script: string): Promise<string> {
  const PATH = [home, dirname(process.execPath), process.env.PATH].join(':')
  // A home of its own, and no cluster to ask.
  const env = { PATH, HOME: home, ZDOTDIR: home, KUBECONFIG: join(home, 'none'), TERM: 'dumb' }
  const { stdout } = await execa(shell, [...args, script], { env })
  return stdout
}

/** The lines that an interactive zsh has after each of these and a tab. @param load how completion gets there */
async function linesOfZsh(typed: string[], load: string): Promise<string[]> {
  // Control-X then prints what there is on the line.
  const output = await run(
    'zsh',
    ['-f', '-c'],
    `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell 'PS1=; PS2=; unsetopt zle_bracketed_paste; bindkey -e'
    zpty -w shell '${load}'
    zpty -w shell 'show() { print -r -- "<<$BUFFER>>"; BUFFER=; zle -I }; zle -N show; bindkey "^X" show'
    zpty -w shell 'print re""ady'
    zpty -r shell start '*ready*'
    for line in ${typed.map((line) => `'${line}'`).join(' ')}; do
      zpty -w -n shell "$line"$'\t\x18'
      zpty -r shell answer '*<<*>>*'
      print -r -- "$answer"
    done`,
  )
  return [...output.matchAll(/<<(.*)>>/g)].map(([, line = '']) => line)
}

const offeredByFish = (line: string) =>
  run('fish', ['--no-config', '-c'], `parley completion fish | source; complete -C '${line}'`)

const sourced = 'autoload -Uz compinit; compinit -D; source <(parley completion zsh)'
const onFpath = 'fpath=($HOME $fpath); autoload -Uz compinit; compinit -u -D'

describe('completion in a real shell', () => {
  it('zsh completes commands, options and their values', async () => {
    const typed = ['parley stat', 'parley drain --dr', 'parley status --output=j']
    expect(await linesOfZsh(typed, sourced)).toEqual([
      'parley status ',
      'parley drain --dry-run ',
      'parley status --output=json ',
    ])
  })

  it('zsh completes from a file in $fpath, from the first tab on', async () => {
    const lines = await linesOfZsh(['parley drain --dr'], onFpath)
    expect(lines).toEqual(['parley drain --dry-run '])
  })

  it('fish completes commands, options and their values', async () => {
    expect(await offeredByFish('parley stat')).toMatch(/^status\twhat runs/)
    expect(await offeredByFish('parley drain --dr')).toMatch(/^--dry-run\t/)
    expect(await offeredByFish('parley status --output ')).toBe('json\ntable')
  })
})
