import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'
import { execa } from 'execa'

const cli = fileURLToPath(new URL('./cli.ts', import.meta.url))

it.each([
  [['up', '--nodes', '0'], 'It must be a whole number of at least 1'],
  [['up', '--name', '../x'], '"../x" cannot name a cluster'],
  [
    ['up', '--control-plane-only', '--kubeconfig', '/no/such/folder/kubeconfig'],
    '--kubeconfig /no/such/folder/kubeconfig cannot be written (ENOENT): name a file in a folder of yours',
  ],
])('%j is refused before anything is started', async (args, message) => {
  const { exitCode, stderr } = await execa(process.execPath, [cli, ...args], { reject: false })
  expect(stderr).toContain(message)
  expect(stderr).not.toContain('    at ')
  expect(exitCode).toBe(2)
})
