/**
 * `npm run charts -- --out DIR`: install.yaml, crds.yaml, the Helm chart and the kustomize base.
 * Run by `cdk8s synth` it writes the manifests to where cdk8s wants them.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { helmChart } from './helm.ts'
import { crdManifests, installManifests } from './install.ts'
import { kustomization } from './kustomize.ts'

const usage = `usage: npm run charts -- --out DIR [--image-registry REGISTRY] [--image-tag TAG] [--namespace NS]

Writes DIR/install.yaml, DIR/crds.yaml, DIR/helm/parley/ and DIR/kustomize/.
  --image-registry   where the images are, for all of these (default: localhost)
  --image-tag        their tag (default: the version)
  --namespace        of the operator, in install.yaml (default: parley-system)`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      'image-registry': { type: 'string' },
      'image-tag': { type: 'string' },
      namespace: { type: 'string', default: 'parley-system' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const out = values.out ?? process.env.CDK8S_OUTDIR
  if (values.help) return console.log(usage)
  if (!out) throw new Error(`--out says where to write to\n${usage}`)
  const registry = values['image-registry']
  const tag = values['image-tag']
  const image = { ...(registry ? { registry } : {}), ...(tag ? { tag } : {}) }
  const { namespace } = values
  const operator = installManifests({ namespace, values: { image, crds: { install: false } } })
  const crds = crdManifests()
  const files = new Map([
    ['install.yaml', installManifests({ namespace, values: { image } })],
    ['crds.yaml', crds],
    ...under('helm/parley', helmChart({ version: await version(), image })),
    ...under('kustomize', kustomization(crds, operator)),
  ])
  // What an earlier version wrote and this one does not would be installed with the rest.
  for (const folder of ['helm/parley', 'kustomize'])
    await rm(join(out, folder), { recursive: true, force: true })
  for (const [path, text] of files) {
    const file = resolve(out, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    console.log(file)
  }
}

function under(folder: string, files: Map<string, string>): [string, string][] {
  return [...files].map(([path, text]) => [`${folder}/${path}`, text])
}

async function version(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

try {
  await main()
} catch (error) {
  console.error(`error: ${(error as Error).message}`)
  process.exitCode = 2
}
