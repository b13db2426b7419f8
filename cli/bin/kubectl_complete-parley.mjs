#!/usr/bin/env node
// What kubectl's own shell completion asks for `kubectl parley …`.
process.env.PARLEY_COMMAND = 'kubectl parley'
process.argv.splice(2, 0, '__complete')
await import('./parley.mjs')
