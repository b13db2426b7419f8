import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * `npm run dev`: the server on this machine with files it makes itself, for work on the webapp.
 * Anything that the environment already says stays as it is.
 */
const state = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state')
const dir = join(state, 'parley', 'signaling-dev')
mkdirSync(dir, { recursive: true, mode: 0o700 })

const madeHere: Record<string, { name: string; content: () => string }> = {
  PARLEY_TURN_SECRET_FILE: { name: 'turn-secret', content: () => randomBytes(24).toString('hex') },
  PARLEY_JOIN_KEY_FILE: { name: 'join-key', content: () => randomBytes(32).toString('hex') },
  PARLEY_TURN_ENDPOINTS_FILE: {
    name: 'endpoints.json',
    content: () => JSON.stringify({ urls: ['turn:127.0.0.1:3478?transport=udp'] }),
  },
}
for (const [variable, { name, content }] of Object.entries(madeHere)) {
  const path = join(dir, name)
  if (!existsSync(path)) writeFileSync(path, content(), { mode: 0o600 })
  process.env[variable] ||= path
}
process.env.PARLEY_ALLOWED_ORIGINS ||= '*'
process.env.HOST ||= '127.0.0.1'

await import('./main.ts')
