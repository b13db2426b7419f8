import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { execa } from 'execa'
import { synthesize } from './synth.ts'
import { exampleConfig } from './testing/configs.ts'

/**
 * Terraform or OpenTofu itself on the stacks, where the program and the provider are found on this
 * machine: nothing is fetched, and nothing is asked of AWS.
 */
const PROVIDER = 'registry.terraform.io/hashicorp/aws'
const pluginFolders = [
  process.env.PARLEY_TERRAFORM_PLUGINS,
  join(homedir(), '.terraform.d/plugins'),
  '/usr/local/share/terraform/plugins',
  '/usr/share/terraform/plugins',
  ...(existsSync('/opt') ? readdirSync('/opt').map((name) => join('/opt', name)) : []),
]

type Tool = { program: string; plugins: string }

async function findTool(): Promise<Tool | undefined> {
  const plugins = pluginFolders.find((path) => path && existsSync(join(path, PROVIDER)))
  if (!plugins) return undefined
  for (const program of ['terraform', 'tofu']) {
    const { failed } = await execa(program, ['version'], { reject: false })
    if (!failed) return { program, plugins }
  }
  return undefined
}

const tool = await findTool()
let folder = ''

/** Values of what one stack reads of another: those of a mock would be no networks, no ARNs. */
const made = (output: string): unknown => {
  if (/subnet/.test(output)) return 'subnet-0123456789abcdef0'
  if (/vpcvpc/.test(output)) return 'vpc-0123456789abcdef0'
  if (/group/.test(output) && !/arn/.test(output)) return 'sg-0123456789abcdef0'
  if (/arn/.test(output)) return 'arn:aws:kms:eu-central-1:123456789012:key/some'
  return 'some-name'
}

/**
 * All stacks as modules of one configuration, so that the provider is loaded once. A module has no
 * backend, and here no provider of its own, so that a mock can stand for it.
 */
async function writeModules(dir: string): Promise<void> {
  const stacks = synthesize(exampleConfig()).filter(({ name }) => !name.startsWith('us-east-1'))
  const overrides: string[] = []
  for (const { name, json } of stacks) {
    const { provider: _, terraform, ...rest } = json
    const { backend: _backend, ...others } = terraform
    await mkdir(join(dir, 'stacks', name), { recursive: true })
    await writeFile(
      join(dir, 'stacks', name, 'cdk.tf.json'),
      JSON.stringify({ ...rest, terraform: others }),
    )
    for (const remote of Object.keys(json.data?.terraform_remote_state ?? {})) {
      const used = JSON.stringify(json).matchAll(
        new RegExp(`terraform_remote_state\\.${remote}\\.outputs\\.([\\w-]+)`, 'g'),
      )
      const outputs = Object.fromEntries([...used].map(([, output = '']) => [output, made(output)]))
      overrides.push(`  override_data {
    target = module.${name}.data.terraform_remote_state.${remote}
    values = { outputs = ${JSON.stringify(outputs).replaceAll('":', '" = ')} }
  }`)
    }
  }
  const modules = Object.fromEntries(
    stacks.map(({ name }) => [name, { source: `./stacks/${name}` }]),
  )
  await writeFile(
    join(dir, 'main.tf.json'),
    JSON.stringify({
      // Without it the root module has no provider that the mock could stand for.
      terraform: { required_providers: { aws: { source: 'hashicorp/aws' } } },
      module: modules,
    }),
  )
  await mkdir(join(dir, 'tests'))
  await writeFile(
    join(dir, 'tests/stacks.tftest.hcl'),
    `mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

run "all_stacks_can_be_planned" {
  command = plan

${overrides.join('\n')}
}
`,
  )
}

const run = (args: string[]) =>
  execa(tool?.program ?? 'terraform', args, {
    cwd: folder,
    reject: false,
    all: true,
    env: {
      TF_IN_AUTOMATION: '1',
      TF_CLI_CONFIG_FILE: join(folder, 'none.tfrc'),
      CHECKPOINT_DISABLE: '1',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  })

beforeAll(async () => {
  if (!tool) {
    console.warn(
      `NOT RUN: Terraform's own checks of the stacks. They want terraform or tofu on the PATH, and the provider ${PROVIDER} in a folder that PARLEY_TERRAFORM_PLUGINS names.`,
    )
    return
  }
  folder = await mkdtemp(join(tmpdir(), 'parley-terraform-'))
  await writeFile(join(folder, 'none.tfrc'), '')
  await writeModules(folder)
  const { exitCode, all } = await run([
    'init',
    '-backend=false',
    `-plugin-dir=${tool.plugins}`,
    '-no-color',
  ])
  if (exitCode !== 0) throw new Error(all)
}, 120_000)

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true })
})

describe('Terraform', () => {
  it('REQ-S2: finds every stack valid, by the schema of its provider', async () => {
    if (!tool) return
    const { all } = await run(['validate', '-no-color'])
    expect(all).toContain('Success! The configuration is valid.')
  }, 120_000)

  it('REQ-S2: plans every stack, with a mock for AWS', async () => {
    if (!tool) return
    const { all } = await run(['test', '-no-color'])
    expect(all).toContain('1 passed, 0 failed.')
  }, 180_000)
})
