import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, statfs, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { DevclusterError } from './errors.ts'
import { withLock } from './lock.ts'
import { cacheRoot } from './paths.ts'
import { formatSeconds, type OnProgress, step } from './progress.ts'

const GO_MODULES = fileURLToPath(new URL('../go', import.meta.url))

interface ComponentSource {
  /** Folder below go/ with the go.mod that pins the versions. */
  readonly module: 'kube' | 'node' | 'livekit' | 'helm' | 'kube-state-metrics'
  readonly packages: readonly string[]
  readonly tags?: string
  /** `-X` settings; `$VERSION` stands for the pinned version of `versionOf`. */
  readonly versionOf: string
  readonly set?: readonly string[]
  /** Names under which one binary is called. */
  readonly links?: readonly string[]
  /** On two cores, with nothing compiled before. */
  readonly usualSeconds: number
  /** Disk that downloads and the Go build cache take, with nothing there before. */
  readonly gigabytes: number
}

const SOURCES = {
  kubernetes: {
    module: 'kube',
    packages: ['./cmd/parley-kube'],
    versionOf: 'k8s.io/kubernetes',
    set: [
      'k8s.io/component-base/version.gitVersion=$VERSION',
      'k8s.io/component-base/version.gitMajor=$MAJOR',
      'k8s.io/component-base/version.gitMinor=$MINOR',
    ],
    links: ['kubectl'],
    usualSeconds: 300,
    gigabytes: 4,
  },
  'metrics-server': {
    module: 'kube',
    packages: ['./cmd/metrics-server'],
    versionOf: 'sigs.k8s.io/metrics-server',
    usualSeconds: 20,
    gigabytes: 0.5,
  },
  runtime: {
    module: 'node',
    packages: ['./cmd/node-init', './cmd/pause', 'tool'],
    tags: 'no_btrfs,no_devmapper,no_zfs',
    versionOf: 'github.com/containerd/containerd/v2',
    set: ['github.com/containerd/containerd/v2/version.Version=$VERSION'],
    usualSeconds: 120,
    gigabytes: 2,
  },
  coredns: {
    module: 'node',
    packages: ['./cmd/coredns'],
    versionOf: 'github.com/coredns/coredns',
    usualSeconds: 60,
    gigabytes: 1,
  },
  // For the image parley-livekit: nothing of a cluster needs it.
  livekit: {
    module: 'livekit',
    packages: ['tool'],
    versionOf: 'github.com/livekit/livekit-server',
    usualSeconds: 110,
    gigabytes: 1.5,
  },
  // For tests of the chart.
  helm: {
    module: 'helm',
    packages: ['tool'],
    versionOf: 'helm.sh/helm/v4',
    set: ['helm.sh/helm/v4/internal/version.version=$VERSION'],
    usualSeconds: 165,
    gigabytes: 1.5,
  },
  // For tests of what Prometheus is asked.
  'kube-state-metrics': {
    module: 'kube-state-metrics',
    packages: ['tool'],
    versionOf: 'k8s.io/kube-state-metrics/v2',
    usualSeconds: 150,
    gigabytes: 1.5,
  },
  // For this package's own tests.
  probe: {
    module: 'node',
    packages: ['./cmd/probe'],
    versionOf: '',
    usualSeconds: 5,
    gigabytes: 0.2,
  },
} as const satisfies Record<string, ComponentSource>

export type Component = keyof typeof SOURCES

/** What `startControlPlane` needs. */
export const CONTROL_PLANE_COMPONENTS = ['kubernetes'] as const satisfies readonly Component[]
/** What `up` needs. */
export const CLUSTER_COMPONENTS = [
  'kubernetes',
  'metrics-server',
  'runtime',
  'coredns',
] as const satisfies readonly Component[]

/** The folder of each component of a cluster. */
export type ClusterBinaries = Readonly<Record<(typeof CLUSTER_COMPONENTS)[number], string>>

// A third of the compile time goes into debug information that no one reads here.
const COMPILER_FLAGS = ['-trimpath', '-buildvcs=false', '-gcflags=all=-dwarf=false']

/**
 * Builds what is not in the cache yet and returns the folder of each component. Components of different Go modules are
 * built side by side; an interrupted build goes on where it was, because Go keeps every compiled package.
 *
 * @throws DevclusterError NO_GO, DISK_FULL, BUILD_FAILED
 */
export async function ensureBinaries<C extends Component>(
  which: readonly C[],
  options: { onProgress?: OnProgress } = {},
): Promise<Record<C, string>> {
  const folders = Object.fromEntries(
    await Promise.all(which.map(async (name) => [name, await folderOf(name)])),
  ) as Record<C, string>
  const missing = which.filter((name) => !existsSync(folders[name]))
  const modules = new Set(missing.map((name) => SOURCES[name].module))
  const outcomes = await Promise.allSettled(
    [...modules].map(async (module) => {
      for (const name of missing.filter((candidate) => SOURCES[candidate].module === module)) {
        await buildComponent(name, folders[name], options.onProgress)
      }
    }),
  )
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return folders
}

async function folderOf(name: Component): Promise<string> {
  const source: ComponentSource = SOURCES[name]
  const version = await pinnedVersion(source)
  const hash = createHash('sha256')
  // What is only told to people does not make another program.
  const { usualSeconds: _, gigabytes: __, ...build } = source
  hash.update(JSON.stringify([build, COMPILER_FLAGS, process.arch]))
  for (const file of await sourceFiles(source)) {
    hash.update(await readFile(join(GO_MODULES, source.module, file)))
  }
  return join(cacheRoot(), `${name}-${version}-${hash.digest('hex').slice(0, 12)}`)
}

async function sourceFiles(source: ComponentSource): Promise<string[]> {
  const files = ['go.mod', 'go.sum']
  for (const folder of source.packages.filter((name) => name.startsWith('./'))) {
    const names = await readdir(join(GO_MODULES, source.module, folder))
    files.push(...names.sort().map((name) => join(folder, name)))
  }
  return files
}

async function pinnedVersion(source: ComponentSource): Promise<string> {
  const goMod = await readFile(join(GO_MODULES, source.module, 'go.mod'), 'utf8')
  const line = goMod
    .split('\n')
    .map((text) =>
      text
        .replace(/^require /, '')
        .trim()
        .split(/\s+/),
    )
    .find(([module, version]) => module === source.versionOf && version?.startsWith('v'))
  return line?.[1] ?? 'v0.0.0'
}

async function buildComponent(
  name: Component,
  folder: string,
  onProgress: OnProgress | undefined,
): Promise<void> {
  const source: ComponentSource = SOURCES[name]
  await step(onProgress, `build ${name}`, source.usualSeconds, async (report) => {
    // Two builds of one module would compile the packages they share twice.
    const lock = join(cacheRoot(), `${source.module}.lock`)
    await withLock(lock, async () => {
      if (existsSync(folder)) return
      await requireGo()
      const settings = await linkerSettings(source)
      const flags = [...COMPILER_FLAGS, `-ldflags=${settings}`]
      if (source.tags) flags.push(`-tags=${source.tags}`)
      const packages = await countPackages(source, flags, report)
      await requireDisk(source, packages)
      const partial = `${folder}.partial`
      await rm(partial, { recursive: true, force: true })
      await mkdir(partial, { recursive: true })
      let compiled = packages.total - packages.stale
      report(compiled, packages.total, 'packages')
      await runGo(
        source,
        ['build', '-v', ...flags, '-o', `${partial}/`, ...source.packages],
        (line) => {
          // -v names each package that is compiled; anything else (downloads, warnings) holds a space.
          if (!line.includes(' ')) report(++compiled, packages.total, 'packages')
        },
      )
      for (const link of source.links ?? []) await symlink('parley-kube', join(partial, link))
      await rename(partial, folder)
    })
  })
}

async function linkerSettings(source: ComponentSource): Promise<string> {
  const version = await pinnedVersion(source)
  const [major = '', minor = ''] = version.slice(1).split('.')
  const settings = (source.set ?? []).map(
    (setting) =>
      `-X ${setting.replace('$VERSION', version).replace('$MAJOR', major).replace('$MINOR', minor)}`,
  )
  return ['-s', '-w', ...settings].join(' ')
}

async function countPackages(
  source: ComponentSource,
  flags: readonly string[],
  report: (done: number, total: number, unit: string) => void,
): Promise<{ total: number; stale: number }> {
  const pinned = await readFile(join(GO_MODULES, source.module, 'go.mod'), 'utf8')
  const modules = pinned.split('\n').filter((line) => /^\t\S+ v\S+/.test(line)).length
  let downloaded = 0
  const output = await runGo(
    source,
    ['list', '-deps', '-f={{.Stale}}', ...flags, ...source.packages],
    (line) => {
      if (line.startsWith('go: downloading')) report(++downloaded, modules, 'modules downloaded')
    },
  )
  const stale = output.split('\n').filter((line) => line === 'true').length
  return { total: output.trim().split('\n').length, stale }
}

/** Runs the Go command in a component's module and returns its stdout. The user's GOPROXY, GOFLAGS and so on apply. */
async function runGo(
  source: ComponentSource,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<string> {
  const child = execa('go', args, {
    cwd: join(GO_MODULES, source.module),
    env: { CGO_ENABLED: '0', GOWORK: 'off' },
    reject: false,
    maxBuffer: 64_000_000,
  })
  const complaints: string[] = []
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      onLine(line)
      if (line.includes(' ') && !line.startsWith('go: downloading')) complaints.push(line)
    })
  }
  const result = await child
  if (result.exitCode === 0) return result.stdout
  const text = complaints.slice(-12).join('\n')
  if (text.includes('no space left on device')) {
    throw new DevclusterError(
      'DISK_FULL',
      `the disk is full: the build takes about ${source.gigabytes} GB below ${await goCaches()}; free some and run the same command again, it goes on where it was`,
    )
  }
  throw new DevclusterError(
    'BUILD_FAILED',
    `go ${args[0]} of ${source.packages.join(' ')} failed${result.isTerminated ? ` (${result.signal})` : ''}; run the same command again to go on where it was\n${text}`,
  )
}

async function goCaches(): Promise<string> {
  const { stdout } = await execa('go', ['env', 'GOCACHE', 'GOMODCACHE'], { reject: false })
  return stdout.split('\n').join(' and ')
}

async function requireDisk(
  source: ComponentSource,
  packages: { total: number; stale: number },
): Promise<void> {
  const share = packages.total === 0 ? 0 : packages.stale / packages.total
  const needed = (0.5 + source.gigabytes * share) * 1e9
  const { stdout } = await execa('go', ['env', 'GOCACHE'])
  for (const folder of [stdout.trim(), cacheRoot()]) {
    const free = await freeBytes(folder)
    if (free < needed) {
      throw new DevclusterError(
        'DISK_FULL',
        `${folder} has ${(free / 1e9).toFixed(1)} GB free and the build needs about ${(needed / 1e9).toFixed(1)} GB; free some, or point GOCACHE and XDG_CACHE_HOME at another disk`,
      )
    }
  }
}

async function freeBytes(folder: string): Promise<number> {
  let existing = folder
  while (!existsSync(existing)) existing = dirname(existing)
  const { bavail, bsize } = await statfs(existing)
  return bavail * bsize
}

const OLDEST_GO = { major: 1, minor: 26 }

async function requireGo(): Promise<void> {
  const result = await execa('go', ['env', 'GOVERSION', 'GOTOOLCHAIN'], {
    reject: false,
    cwd: '/',
  })
  const [version = '', toolchain = ''] = result.exitCode === 0 ? result.stdout.split('\n') : []
  const [major = 0, minor = 0] = version.replace('go', '').split('.').map(Number)
  // From 1.21 on, Go fetches the toolchain that go.mod asks for unless it is told not to.
  const oldest = toolchain === 'local' ? OLDEST_GO : { major: 1, minor: 21 }
  const fits = major > oldest.major || (major === oldest.major && minor >= oldest.minor)
  if (fits) return
  throw new DevclusterError(
    'NO_GO',
    `${version ? `${version} is too old` : 'Go is not on the PATH'}: what Kubernetes and LiveKit run is built from source once (about ${formatSeconds(300)}) and needs Go ${OLDEST_GO.major}.${OLDEST_GO.minor} or newer. Get it from https://go.dev/dl/, put its bin folder on the PATH, and run the same command again`,
  )
}
