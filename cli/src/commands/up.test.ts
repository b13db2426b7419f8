import { expect, it } from '@jest/globals'
import { Command } from 'commander'
import { addUp } from './up.ts'

/** With a file that is not there, so that nothing is started. */
function up(...args: string[]): Promise<unknown> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} })
  addUp(program)
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program)
  return program.parseAsync(['node', 'parley', 'up', '-f', '/nowhere/mc.yaml', ...args])
}

it.each(['meet.example.com', 'fe80::1', '192.168.1', ''])(
  'is at an address that media can be at: not at "%s"',
  async (host) => {
    await expect(up('--host', host)).rejects.toThrow('It must be an IPv4 address of this machine')
  },
)

it.each(['127.0.0.1', '0.0.0.0', '192.168.1.5', 'localhost', '::1'])(
  'may be at %s',
  async (host) => {
    await expect(up('--host', host)).rejects.toThrow('/nowhere/mc.yaml')
  },
)
