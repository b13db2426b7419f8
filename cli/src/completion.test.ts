import { describe, expect, it } from '@jest/globals'
import { Argument, Command, Option } from 'commander'
import { complete, type Names } from './completion.ts'

const names: Names = {
  meetingClusters: async (namespace) =>
    ['a/demo', 'b/small'].filter((each) => !namespace || each.startsWith(`${namespace}/`)),
  namespaces: async () => ['a', 'b'],
  nodes: async () => ['n1', 'n2'],
  mediaPods: async () => ['demo-turn-1', 'demo-sfu-1'],
}

function program(): Command {
  const root = new Command('parley')
  root
    .command('status')
    .description('what runs')
    .argument('[name]')
    .option('-n, --namespace <ns>', 'only there')
    .option('--values <file>', 'a file')
    .addOption(new Option('-o, --output <format>', 'how').choices(['table', 'json']))
  root.command('drain').argument('[pod]').option('--node <node>', 'a node').option('--dry-run')
  root.command('cost').command('report').option('--cluster <ns/name>', 'whose')
  root.command('shell').addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
  root.command('secret', { hidden: true })
  return root
}

const offered = async (...words: string[]) =>
  (await complete(program(), words, names)).candidates.map(({ value }) => value)

describe('completion', () => {
  it.each<[string[], string[]]>([
    [[''], ['status', 'drain', 'cost', 'shell', 'help']],
    [['sta'], ['status']],
    [
      ['cost', ''],
      ['report', 'help'],
    ],
    [
      ['status', '--'],
      ['--namespace', '--values', '--output', '--help'],
    ],
    [
      ['status', '-o', ''],
      ['json', 'table'],
    ],
    [['status', '-o', 'j'], ['json']],
    [['status', '--output=t'], ['--output=table']],
    [['status', '--output', '=', 't'], ['table']],
    [
      ['status', '--output', '='],
      ['json', 'table'],
    ],
    [
      ['status', '--namespace', ''],
      ['a', 'b'],
    ],
    [
      ['status', ''],
      ['demo', 'small'],
    ],
    [['status', '-n', 'b', ''], ['small']],
    [['status', 'demo', ''], []],
    [['drain', 'demo-t'], ['demo-turn-1']],
    [
      ['drain', '--dry-run', '--node', 'n'],
      ['n1', 'n2'],
    ],
    [
      ['cost', 'report', '--cluster', ''],
      ['a/demo', 'b/small'],
    ],
    [
      ['shell', ''],
      ['bash', 'zsh'],
    ],
    [['nothing', ''], []],
  ])('of %j offers %j', async (words, wanted) => {
    expect(await offered(...words)).toEqual(wanted)
  })

  it('offers files where a file is wanted', async () => {
    expect((await complete(program(), ['status', '--values', ''], names)).files).toBe(true)
    expect((await complete(program(), ['status', '--namespace', ''], names)).files).toBe(false)
  })

  it('describes what it offers', async () => {
    const { candidates } = await complete(program(), ['sta'], names)
    expect(candidates).toEqual([{ value: 'status', description: 'what runs' }])
  })
})
