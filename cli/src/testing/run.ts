import { jest } from '@jest/globals'
import { runCli } from '../cli.ts'

/** Runs `parley …` in this process. */
export async function runParley(
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const into = (add: (text: string) => void) => (chunk: unknown) => {
    add(String(chunk))
    return true
  }
  const toOut = into((text) => {
    out += text
  })
  const toErr = into((text) => {
    err += text
  })
  jest.spyOn(process.stdout, 'write').mockImplementation(toOut)
  jest.spyOn(process.stderr, 'write').mockImplementation(toErr)
  jest.spyOn(console, 'log').mockImplementation((line) => void toOut(`${line}\n`))
  jest.spyOn(console, 'error').mockImplementation((line) => void toErr(`${line}\n`))
  const code = await runCli(['node', 'parley', ...args])
  jest.restoreAllMocks()
  return { code, out, err }
}
