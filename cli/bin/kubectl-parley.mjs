#!/usr/bin/env node
// What kubectl starts for `kubectl parley`.
process.env.PARLEY_COMMAND = 'kubectl parley'
await import('./parley.mjs')
