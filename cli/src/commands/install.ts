import type { Command } from 'commander'
import { imagesFrom } from '../images.ts'

export function addInstall(program: Command): void {
  const images = imagesFrom(process.env)
  program
    .command('install')
    .description('the CRD, the rights and the operator as YAML on standard output')
    .option('-n, --namespace <ns>', 'namespace of the operator', 'parley-system')
    .option('--image-registry <registry>', 'where Parley’s images are', images.registry)
    .option('--image-tag <tag>', 'their tag', images.tag)
    .addHelpText(
      'after',
      `
Example:
  $ parley install --image-registry registry.example.com/parley | kubectl apply --server-side -f -

Images are made with: npm run images -- build
PARLEY_IMAGE_REGISTRY and PARLEY_IMAGE_TAG set the defaults of the two options.
`,
    )
    .action(async (options: { namespace: string; imageRegistry: string; imageTag: string }) => {
      const { installManifests } = await import('@parley/charts')
      process.stdout.write(
        installManifests({
          namespace: options.namespace,
          registry: options.imageRegistry,
          tag: options.imageTag,
        }),
      )
    })
}
