#!/usr/bin/env node
// Parley runs its TypeScript as it is, which wants Node 22.19 or newer. On an
// older Node this starts the one that npm installed with Parley.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 19)) {
  await import(main)
} else {
  const node = join(
    dirname(createRequire(import.meta.url).resolve('node/package.json')),
    'bin',
    'node',
  )
  const child = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  if (child.error) {
    console.error(
      `error: Parley needs Node 22.19 or newer; this is ${process.versions.node}. Run npm ci in its checkout.`,
    )
  }
  process.exitCode = child.status ?? 1
}
