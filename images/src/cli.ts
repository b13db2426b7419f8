import type { ProgressEvent } from '@parley/devcluster'
import { Command, CommanderError } from 'commander'
import { type BuildOptions, buildImages, type Image, stageContext } from './build.ts'
import { type ImageName, imageNames } from './catalogue.ts'
import { ImagesError } from './errors.ts'

const lastShown = new Map<string, number>()
const interrupt = new AbortController()
// Not once: execa ends the process when no other listener is left.
process.on('SIGINT', () =>
  interrupt.abort(
    new ImagesError('BUILD_FAILED', 'interrupted; run the same command again to go on'),
  ),
)
process.exitCode = await run(process.argv)

/** @returns 0 done, 1 the build failed, 2 called wrongly */
async function run(argv: readonly string[]): Promise<number> {
  const program = new Command('images')
    .description("Builds Parley's container images with buildah; no container engine is needed.")
    .addHelpText(
      'after',
      `
Images: ${imageNames.join(', ')}

Examples:
  $ npm run images -- build                            build what changed; prints where the archives are
  $ npm run images -- build --only parley-coturn       just one
  $ npm run images -- build --tag v1                   with a tag of your own
  $ npm run images -- build --base debian:bookworm-slim --node-base node:24-bookworm-slim
                                                       on a registry's images
  $ npm run images -- context parley-node --out ctx && docker build ctx
                                                       with another builder`,
    )
    .showHelpAfterError('(run with --help to see what there is)')
    .showSuggestionAfterError()
    .exitOverride()

  program
    .command('build')
    .description('build what changed, and write OCI archives')
    .option('--only <names...>', 'just these images')
    .option('--tag <tag>', 'tag of all images (default: a hash of their content)')
    .option('--base <image>', 'build on this Debian image, not on one made here')
    .option('--node-base <image>', 'build on this Node image, not on one made here')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (given: BuildFlags) => {
      const images = await buildImages(buildOptions(given))
      print(images, given.output)
    })

  program
    .command('list')
    .description('name the images')
    .action(() => console.log(imageNames.join('\n')))

  program
    .command('context')
    .description('write the build context of an image to a folder')
    .argument('<name>', 'image')
    .requiredOption('--out <folder>', 'where to write it')
    .action((name: string, given: { out: string }) =>
      stageContext(name as ImageName, given.out, showProgress),
    )

  for (const command of program.commands) command.copyInheritedSettings(program)
  try {
    await program.parseAsync(argv)
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
    return error instanceof ImagesError && error.code === 'USAGE' ? 2 : 1
  }
}

interface BuildFlags {
  readonly only?: readonly string[]
  readonly tag?: string
  readonly base?: string
  readonly nodeBase?: string
  readonly output: string
}

function buildOptions(given: BuildFlags): BuildOptions {
  if (given.output !== 'table' && given.output !== 'json') {
    throw new ImagesError('USAGE', `--output is table or json, not ${given.output}`)
  }
  return {
    ...(given.only ? { only: given.only as readonly ImageName[] } : {}),
    ...(given.tag ? { tag: given.tag } : {}),
    base: {
      ...(given.base ? { debian: given.base } : {}),
      ...(given.nodeBase ? { node: given.nodeBase } : {}),
    },
    onProgress: showProgress,
    signal: interrupt.signal,
  }
}

function print(images: readonly Image[], format: string): void {
  if (format === 'json') {
    console.log(JSON.stringify(images, null, 2))
    return
  }
  const width = Math.max(...images.map(({ ref }) => ref.length))
  for (const { ref, bytes, builtNow, archive } of images) {
    const size = `${(bytes / 1e6).toFixed(0)} MB`.padStart(7)
    console.log(
      `${ref.padEnd(width)}  ${size}  ${builtNow ? 'built    ' : 'unchanged'}  ${archive}`,
    )
  }
}

/** Lines on stderr: standard output belongs to the result. One at a step's start and end, and every five seconds. */
function showProgress(event: ProgressEvent): void {
  const now = performance.now()
  if (event.state === 'running' && now - (lastShown.get(event.step) ?? -5000) < 5000) return
  lastShown.set(event.step, now)
  const seconds = (value: number) => `${Math.round(value)} s`
  if (event.state === 'done') {
    console.error(`${event.step}: done in ${seconds(event.elapsedSeconds)}`)
    return
  }
  const counts = event.total === undefined ? '' : `, ${event.done} of ${event.total} ${event.unit}`
  const usual = event.usualSeconds === undefined ? '' : `, usually ${seconds(event.usualSeconds)}`
  console.error(`${event.step}${counts}, ${seconds(event.elapsedSeconds)}${usual}`)
}
