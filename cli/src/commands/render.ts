import { randomBytes } from 'node:crypto'
import {
  defaultRenderInputs,
  generateSecrets,
  renderMeetingCluster,
  secretNames,
} from '@parley/operator/render'
import { type Command, Option } from 'commander'
import { stringify } from 'yaml'
import { meetingClusters } from '../meeting-clusters.ts'

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
