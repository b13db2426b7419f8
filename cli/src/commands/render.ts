import { randomBytes } from 'node:crypto'
import { KIND, parseMeetingCluster } from '@parley/operator/api'
import {
  defaultRenderInputs,
  generateSecrets,
  renderMeetingCluster,
  secretNames,
} from '@parley/operator/render'
import { type Command, Option } from 'commander'
import { parseAllDocuments, stringify } from 'yaml'
import { messageOf, UsageError } from '../errors.ts'
import { readTextFile } from '../input.ts'

export function addRender(program: Command): void {
  program
    .command('render')
    .description('the children of a MeetingCluster, with no cluster needed')
    .requiredOption('-f, --file <file>', 'the MeetingCluster; - reads standard input')
    .option('--secrets', 'with freshly made Secrets (otherwise their names are only listed)')
    .option('--image-registry <registry>', 'where the spec names none')
    .option('--image-tag <tag>', 'where the spec names none')
    .addOption(
      new Option('-o, --output <format>', 'how to print them')
        .choices(['yaml', 'json'])
        .default('yaml'),
    )
    .addHelpText(
      'after',
      `
The output is the same from run to run, so it can be kept in git and compared.

Examples:
  $ parley render -f examples/demo.yaml
  $ parley render -f examples/demo.yaml -o json | jq '.items[].kind'
`,
    )
    .action(async (options: RenderOptions) => {
      const objects: object[] = []
      for (const mc of await meetingClusters(options.file)) {
        const inputs = defaultRenderInputs()
        const images = {
          registry: options.imageRegistry ?? inputs.images.registry,
          tag: options.imageTag ?? inputs.images.tag,
        }
        // Without a cluster there is no TURN address yet, for which signaling would be held.
        const rendering = renderMeetingCluster(mc, { ...inputs, images })
        objects.push(...rendering.objects, ...rendering.held)
        if (options.secrets) objects.push(...generateSecrets(mc, {}, randomBytes))
        else
          console.error(
            `# needs the Secrets ${Object.values(secretNames(mc)).join(', ')}: the operator makes them; --secrets does it here`,
          )
      }
      process.stdout.write(
        options.output === 'json'
          ? `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2)}\n`
          : objects.map((object) => `---\n${stringify(object)}`).join(''),
      )
    })
}

type RenderOptions = {
  file: string
  secrets?: boolean
  imageRegistry?: string
  imageTag?: string
  output: 'yaml' | 'json'
}

/** Every MeetingCluster of a YAML file; other kinds in it are passed over. @throws UsageError */
async function meetingClusters(file: string) {
  const documents = parseAllDocuments(await readTextFile(file))
  const found = documents.map(readDocument(file)).filter((value) => value?.kind === KIND)
  if (found.length === 0) throw new UsageError(`${file} has no ${KIND}`)
  return found.map(parseMeetingCluster)
}

function readDocument(file: string) {
  return (document: ReturnType<typeof parseAllDocuments>[number]) => {
    const notYaml = (reason: string) =>
      new UsageError(`${file} is not YAML: ${reason.split(/:?\n/, 1)[0]}`)
    const fault = document.errors[0] ?? document.warnings[0]
    if (fault) throw notYaml(fault.message)
    try {
      return document.toJS() as { kind?: string } | null
    } catch (error) {
      // Aliases that name no anchor, or that multiply without end.
      throw notYaml(messageOf(error))
    }
  }
}
