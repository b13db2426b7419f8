import type { GivenValues } from '@parley/charts'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { UsageError } from '../errors.ts'
import { imagesFrom } from '../images.ts'
import { readTextFile } from '../input.ts'

export function addInstall(program: Command): void {
  const images = imagesFrom(process.env)
  program
    .command('install')
    .description('the CRD, the rights and the operator as YAML on standard output')
    .option('-n, --namespace <ns>', 'namespace of the operator', 'parley-system')
    .option('--image-registry <registry>', 'where Parley’s images are', images.registry)
    .option('--image-tag <tag>', 'their tag', images.tag)
    .option('--watch-namespace <ns>', 'look after this namespace only, with rights there alone')
    .option('--namespaced', 'the same for the namespace of the operator')
    .option('--replicas <n>', 'pods of the operator: one works, the others stand by')
    .option('-f, --values <file>', 'more settings, as in the values.yaml of the Helm chart')
    .addHelpText(
      'after',
      `
Examples:
  $ parley install --image-registry registry.example.com/parley | kubectl apply --server-side -f -
  $ parley install --namespace meetings --namespaced | kubectl apply --server-side -f -

Images are made with: npm run images -- build
PARLEY_IMAGE_REGISTRY and PARLEY_IMAGE_TAG set the defaults of their two options.
The Helm chart and a kustomize base are made with: npm run charts -- --out DIR
`,
    )
    .action(async (options: InstallOptions) => {
      const { installManifests, InvalidValues } = await import('@parley/charts')
      try {
        const values = await valuesOf(options)
        process.stdout.write(installManifests({ namespace: options.namespace, values }))
      } catch (error) {
        if (error instanceof InvalidValues) throw new UsageError(error.message)
        throw error
      }
    })
}

interface InstallOptions {
  namespace: string
  imageRegistry: string
  imageTag: string
  watchNamespace?: string
  namespaced?: boolean
  replicas?: string
  values?: string
}

/** Those of the file, if any; options say it last. */
async function valuesOf(options: InstallOptions): Promise<GivenValues> {
  const given = options.values ? await readValues(options.values) : {}
  if (options.namespaced && options.watchNamespace)
    throw new UsageError('give --namespaced or --watch-namespace, not both')
  const watchNamespace = options.namespaced ? options.namespace : options.watchNamespace
  return {
    ...given,
    image: { registry: options.imageRegistry, tag: options.imageTag, ...given.image },
    ...(watchNamespace === undefined ? {} : { watchNamespace }),
    ...(options.replicas === undefined ? {} : { replicas: Number(options.replicas) }),
  }
}

async function readValues(file: string): Promise<GivenValues> {
  const text = await readTextFile(file)
  try {
    return (parse(text) ?? {}) as GivenValues
  } catch (error) {
    throw new UsageError(`${file} is not YAML: ${(error as Error).message.split('\n', 1)[0]}`)
  }
}
