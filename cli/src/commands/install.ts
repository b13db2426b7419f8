import type { Command } from 'commander'

export function addInstall(program: Command): void {
  program
    .command('install')
    .description('the CRD, the rights and the operator as YAML on standard output')
    .option('-n, --namespace <ns>', 'namespace of the operator', 'parley-system')
    .option('--image-registry <registry>', 'where Parley’s images are', defaultRegistry())
    .option('--image-tag <tag>', 'their tag', process.env.PARLEY_IMAGE_TAG ?? '0.1.0')
    .addHelpText(
      'after',
      `
Example:
  $ parley install --image-registry registry.example.com/parley | kubectl apply --server-side -f -

Images are made with: npm run images -- build
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

function defaultRegistry(): string {
  return process.env.PARLEY_IMAGE_REGISTRY ?? 'localhost'
}
