import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LOOK_AGAIN_MS } from '@parley/operator'
import {
  type K8sObject,
  MEETING_CLUSTERS,
  objectPath,
  type Resource,
} from '@parley/operator/runtime'
import { execa } from 'execa'
import { type Bench, type BenchOptions, type Figure, mergeRuns, percentile } from '../bench.ts'
import { appliedConfiguration } from './applied.ts'
import type { WriterOrder, WriterResult } from './baseline-writer.ts'
import { type Follow, handEdits, measureChanges, measureRepairs } from './latency.ts'
import { ManagerProcess, sum } from './manager-process.ts'
import { CLUSTER_NAME, meetingCluster, namespaceNames, Plane } from './plane.ts'
import { filledIn, type Template } from './template.ts'
import { Watcher } from './watcher.ts'

const SIZES = [100, 300, 1000]
const WORKERS = [4, 8, 16]
const TRIAL_SETS = 30
/** A new API server gets faster over its first thousand writes. */
const WARM_SETS = 40
const SAMPLES = 200

/** The floors in docs/scorecard.md. */
const FLOORS = {
  ratio: 0.9,
  latencyP99Ms: 40,
  cpuMsPerWrite: 0.7,
  restartSeconds: 2,
  peakMebibytes: 150,
  /** CPU per write at the largest size, against that at the smallest. */
  growth: 1.25,
}

export const operatorBench: Bench = {
  name: 'operator',
  summary: 'the operator on N MeetingClusters, against the API server’s own limit',
  minutes: 22,
  async run(options) {
    const sizes = options.sizes ?? SIZES
    const runs: Figure[][] = []
    for (let run = 1; run <= options.repeat; run++) {
      if (options.repeat > 1) options.say(`run ${run} of ${options.repeat}`)
      runs.push(await oneRun(options, sizes))
    }
    return mergeRuns(runs)
  },
}

async function oneRun(options: BenchOptions, sizes: readonly number[]): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  try {
    const figures: Figure[] = []
    // On a plane of their own: what is compared afterwards has been through the same before.
    const { template, workers } = await onPlane(options, async (plane) => {
      const template = await recordTemplate(plane, options)
      return { template, workers: await bestWorkers(plane, template, folder, options) }
    })
    const cpuPerWrite = new Map<number, number>()
    for (const size of sizes) {
      const how = { size, workers, folder }
      const plain = () => onPlane(options, (plane) => baseline(plane, template, how, options))
      const before = await plain()
      const measured = await onPlane(options, (plane) => operator(plane, template, how, options))
      const limit = together(before, await plain())
      cpuPerWrite.set(size, measured.cpuMsPerWrite)
      figures.push(...figuresOf(size, limit, workers, measured))
    }
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
    const [little, much] = [cpuPerWrite.get(least), cpuPerWrite.get(most)]
    if (least !== most && little && much) {
      figures.push({
        name: `CPU per write, N = ${most} against N = ${least}`,
        value: much / little,
        unit: '×',
        floor: { atMost: FLOORS.growth },
      })
    }
    return figures
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function onPlane<T>(options: BenchOptions, act: (plane: Plane) => Promise<T>): Promise<T> {
  options.signal.throwIfAborted()
  const plane = await Plane.start(`bench-operator-${process.pid}`)
  try {
    return await act(plane)
  } finally {
    await plane.stop()
  }
}

/** Lets the operator make one MeetingCluster's children and takes down what it applied. */
async function recordTemplate(plane: Plane, { say }: BenchOptions): Promise<Template> {
  const namespace = 'template-0000'
  await plane.seed([namespace])
  const manager = await ManagerProcess.start(plane.kubeconfig, ['--namespace', namespace])
  await manager.idle(1)
  await new Promise((resolve) => setTimeout(resolve, 500))
  await manager.stop()
  const owner = await plane.client.get<K8sObject & { status: object }>(
    MEETING_CLUSTERS,
    namespace,
    CLUSTER_NAME,
  )
  const objects = await plane.children(namespace)
  const requests = objects.map((object) => {
    const body = JSON.stringify(appliedConfiguration(object, 'parley'))
      .replaceAll(owner.metadata.uid ?? '', 'OWNER_UID')
      .replaceAll(namespace, 'NAMESPACE')
    const path = objectPath(resourceOf(object), 'NAMESPACE', object.metadata.name)
    return { path: `${path}?fieldManager=parley&force=true`, body }
  })
  const bytes = requests.reduce((total, { body }) => total + body.length, 0)
  say(`${objects.length} children a MeetingCluster, ${Math.round(bytes / 1024)} KiB to apply`)
  return { requests, children: objects.length, status: owner.status }
}

function resourceOf({ apiVersion = '', kind = '' }: K8sObject): Resource {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  const lower = kind.toLowerCase()
  const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`
  return { group, version, kind, plural, namespaced: true }
}

async function bestWorkers(
  plane: Plane,
  template: Template,
  folder: string,
  { say }: BenchOptions,
): Promise<number> {
  const rates = new Map<number, number>()
  await writeElsewhere(plane, template, 'warm', TRIAL_SETS, { workers: 8, folder })
  for (const workers of WORKERS) {
    const how = { workers, folder }
    const result = await writeElsewhere(plane, template, `try${workers}`, TRIAL_SETS, how)
    rates.set(workers, result.writes / result.seconds)
  }
  const [best = 8] = [...rates].sort((a, b) => b[1] - a[1])[0] ?? []
  const list = [...rates].map(([workers, rate]) => `${workers}: ${Math.round(rate)}/s`)
  say(`plain server-side apply by workers: ${list.join(', ')}`)
  return best
}

type Hands = Pick<How, 'workers' | 'folder'>

/** Children without a MeetingCluster, in namespaces of their own. */
async function writeElsewhere(
  plane: Plane,
  template: Template,
  prefix: string,
  count: number,
  hands: Hands,
): Promise<WriterResult> {
  const namespaces = namespaceNames(prefix, count)
  await plane.namespaces(namespaces)
  return write(plane, template, namespaces, hands)
}

async function write(
  plane: Plane,
  { requests }: Template,
  namespaces: string[],
  { workers, folder }: Hands,
): Promise<WriterResult> {
  const order: WriterOrder = { kubeconfig: plane.kubeconfig, workers, namespaces, requests }
  const file = join(folder, 'order.json')
  await writeFile(file, JSON.stringify(order), { mode: 0o600 })
  const script = fileURLToPath(new URL('./baseline-writer.ts', import.meta.url))
  const { stdout } = await execa(process.execPath, [script, file])
  return JSON.parse(stdout) as WriterResult
}

interface Limit {
  /** How fast each of the runs was. */
  rates: number[]
  perSecond: number
  cpuMsPerWrite: number
  serverMsPerChild: number
  changeMs: number[]
  repairMs: number[]
}

/**
 * A machine's speed drifts, and one size takes five minutes and more: what is measured once before the operator and once
 * after it is, taken together, of the same hour.
 */
function together(before: Limit, after: Limit): Limit {
  const mean = (of: (limit: Limit) => number) => (of(before) + of(after)) / 2
  return {
    rates: [...before.rates, ...after.rates],
    // Both have written the same: the time is what there is a mean of.
    perSecond: 1 / mean(({ perSecond }) => 1 / perSecond),
    cpuMsPerWrite: mean(({ cpuMsPerWrite }) => cpuMsPerWrite),
    serverMsPerChild: mean(({ serverMsPerChild }) => serverMsPerChild),
    changeMs: [...before.changeMs, ...after.changeMs],
    repairMs: [...before.repairMs, ...after.repairMs],
  }
}

interface How {
  size: number
  workers: number
  folder: string
}

/** What either side finds before it begins: the same objects, and an API server that has done the same. */
async function prepare(plane: Plane, template: Template, how: How): Promise<void> {
  await plane.seed(namespaceNames('mc', how.size))
  await writeElsewhere(plane, template, 'warm', WARM_SETS, how)
}

async function baseline(
  plane: Plane,
  template: Template,
  how: How,
  { say }: BenchOptions,
): Promise<Limit> {
  const { size, workers } = how
  const namespaces = namespaceNames('mc', size)
  await prepare(plane, template, how)
  const serverBefore = plane.cpuSeconds()
  const { seconds, writes, cpuSeconds } = await write(plane, template, namespaces, how)
  const perSecond = writes / seconds
  const cpuMsPerWrite = (cpuSeconds * 1000) / writes
  const serverMsPerChild = ((plane.cpuSeconds() - serverBefore) * 1000) / writes
  say(
    `N = ${size}: plain apply, ${workers} workers: ${Math.round(perSecond)} children/s, ${cpuMsPerWrite.toFixed(2)} ms CPU each, ${serverMsPerChild.toFixed(2)} ms of the server`,
  )
  const follow = await plainFollower(plane, template, namespaces)
  // The other half comes after the operator.
  const changeMs = await measureChanges(plane, namespaces, SAMPLES / 2, follow)
  const repairMs = await measureRepairs(plane, namespaces, SAMPLES / 2, follow)
  say(`N = ${size}: plain writes one after the other: ${latencies({ changeMs, repairMs })}`)
  const rates = [perSecond]
  return { rates, perSecond, cpuMsPerWrite, serverMsPerChild, changeMs, repairMs }
}

/**
 * Gives the MeetingClusters the status that an operator's have, and makes what writes a child without one: each time
 * with another pod template, as after a change of the spec.
 */
async function plainFollower(
  plane: Plane,
  { requests, status }: Template,
  namespaces: readonly string[],
): Promise<Follow> {
  const { apiVersion, kind } = meetingCluster('')
  for (const namespace of namespaces) {
    const metadata = { name: CLUSTER_NAME, namespace }
    const object = { apiVersion, kind, metadata, status }
    await plane.client.applyStatus(MEETING_CLUSTERS, namespace, CLUSTER_NAME, object)
  }
  let written = 0
  return async (namespace, resource, name) => {
    const request = requests.find(({ path }) => path.includes(`/${resource.plural}/${name}?`))
    if (!request) throw new Error(`no ${resource.kind} ${name} among the children`)
    const text = filledIn(request.body, namespace, namespaces.indexOf(namespace))
    const object = JSON.parse(text) as K8sObject & { spec: { template?: K8sObject } }
    const mark = { 'parley.dev/written': String(++written) }
    for (const { metadata } of [object, ...(object.spec.template ? [object.spec.template] : [])])
      metadata.annotations = { ...metadata.annotations, ...mark }
    await plane.client.apply(resource, namespace, name, JSON.stringify(object))
  }
}

function latencies({ changeMs, repairMs }: Pick<Measured, 'changeMs' | 'repairMs'>): string {
  const of = (samples: number[]) =>
    `p50 ${percentile(samples, 0.5).toFixed(1)} p99 ${percentile(samples, 0.99).toFixed(1)} ms`
  return `change → child ${of(changeMs)}; deleted → restored ${of(repairMs)}`
}

interface Measured {
  seconds: number
  childrenPerSecond: number
  cpuSeconds: number
  cpuMsPerWrite: number
  serverMsPerChild: number
  writes: number
  peakMebibytes: number
  restartSeconds: number
  restartWrites: number
  restartPeakMebibytes: number
  resyncWrites: number
  handEditsLeft: number
  changeMs: number[]
  repairMs: number[]
}

async function operator(
  plane: Plane,
  template: Template,
  how: How,
  { say, signal }: BenchOptions,
): Promise<Measured> {
  const { size } = how
  const { children } = template
  const namespaces = namespaceNames('mc', size)
  await prepare(plane, template, how)

  const reconciled = await observedWatch(plane, size)
  const writesBefore = await plane.serverWrites()
  const first = await ManagerProcess.start(plane.kubeconfig)
  await first.synced()
  const readyAt = performance.now()
  const cpuAtStart = first.cpuSeconds()
  const serverBefore = plane.cpuSeconds()
  const doneAt = await reconciled.done
  reconciled.stop()
  const cpuAtEnd = first.cpuSeconds()
  const serverMsPerChild = ((plane.cpuSeconds() - serverBefore) * 1000) / (size * children)
  await first.idle(size)
  const seconds = (doneAt - readyAt) / 1000
  const writes = (await plane.serverWrites()) - writesBefore
  const own = await first.writes()
  const passes = sum(await first.metrics(), 'controller_runtime_reconcile_total')
  const peakMebibytes = first.peakMebibytes()
  const cpuMsPerWrite = ((cpuAtEnd - cpuAtStart) * 1000) / own
  const childrenPerSecond = (size * children) / seconds
  say(
    `N = ${size}: operator: ${seconds.toFixed(1)} s, ${Math.round(childrenPerSecond)} children/s, ${cpuAtEnd.toFixed(1)} s CPU, ${cpuMsPerWrite.toFixed(2)} ms a write, ${serverMsPerChild.toFixed(2)} ms of the server a child, ${writes} writes (${own} by its own count) in ${passes} passes, peak ${Math.round(peakMebibytes)} MiB`,
  )
  await expectChildren(plane, namespaces, children)

  const changeMs = await measureChanges(plane, namespaces, SAMPLES)
  const repairMs = await measureRepairs(plane, namespaces, SAMPLES)
  say(`N = ${size}: ${latencies({ changeMs, repairMs })}`)
  // As it would be found later: what was written last has been looked at again.
  await delay(LOOK_AGAIN_MS, undefined, { signal })
  await first.idle(size)
  await first.stop()

  const beforeRestart = await plane.serverWrites()
  const second = await ManagerProcess.start(plane.kubeconfig, [
    '--no-leader-elect',
    '--resync',
    '4s',
  ])
  await second.synced()
  await second.idle(size)
  const restartSeconds = (performance.now() - second.started) / 1000
  const restartCpu = second.cpuSeconds()
  const restartWrites = (await plane.serverWrites()) - beforeRestart
  const restartPeakMebibytes = second.peakMebibytes()
  await second.idle(2 * size)
  const resyncWrites = (await plane.serverWrites()) - beforeRestart - restartWrites
  say(
    `N = ${size}: restart ${restartSeconds.toFixed(2)} s, ${restartCpu.toFixed(1)} s CPU, ${restartWrites} writes, peak ${Math.round(restartPeakMebibytes)} MiB; resync ${resyncWrites} writes`,
  )
  await second.stop()

  const edits = await handEdits(plane, namespaces)
  const third = await ManagerProcess.start(plane.kubeconfig, ['--no-leader-elect'])
  await third.idle(size)
  const handEditsLeft = await edits.left()
  await third.stop()
  say(
    `N = ${size}: edited by hand while the operator was down: ${edits.count}, left: ${handEditsLeft}`,
  )
  return {
    ...{ seconds, childrenPerSecond, cpuSeconds: cpuAtEnd, cpuMsPerWrite },
    ...{ serverMsPerChild, writes, peakMebibytes },
    ...{ restartSeconds, restartWrites, restartPeakMebibytes, resyncWrites, handEditsLeft },
    ...{ changeMs, repairMs },
  }
}

/** Sees when the last MeetingCluster has the status of its newest spec. */
async function observedWatch(plane: Plane, size: number) {
  const left = new Set<string>()
  const all = Promise.withResolvers<number>()
  const watcher = await Watcher.start(plane.client, MEETING_CLUSTERS, {}, (_, object) => {
    const { metadata, status } = object as K8sObject & { status?: { observedGeneration?: number } }
    if (status?.observedGeneration === metadata.generation) left.delete(metadata.namespace ?? '')
    else if (metadata.namespace?.startsWith('mc-')) left.add(metadata.namespace)
    if (left.size === 0) all.resolve(performance.now())
  })
  for (const namespace of namespaceNames('mc', size)) left.add(namespace)
  return { done: all.promise, stop: () => watcher.stop() }
}

/** A status that claims what is not so would make a bench fast. @throws when a child is missing */
async function expectChildren(
  plane: Plane,
  namespaces: readonly string[],
  children: number,
): Promise<void> {
  for (const namespace of [namespaces[0], namespaces.at(-1)]) {
    const found = await plane.children(namespace ?? '')
    if (found.length !== children) {
      throw new Error(`${namespace} has ${found.length} children instead of ${children}`)
    }
  }
}

function figuresOf(size: number, limit: Limit, workers: number, measured: Measured): Figure[] {
  const name = (text: string) => `N = ${size}: ${text}`
  const rates = limit.rates.map(Math.round).join(' before, ')
  const plain = `plain apply with ${workers} workers`
  return [
    { name: name('reconciled after'), value: measured.seconds, unit: 's' },
    {
      name: name('children written'),
      value: measured.childrenPerSecond,
      unit: '1/s',
      baseline: { name: `${plain} (${rates} after)`, value: limit.perSecond },
      ratio: measured.childrenPerSecond / limit.perSecond,
      floor: { ratioAtLeast: FLOORS.ratio },
    },
    { name: name('CPU'), value: measured.cpuSeconds, unit: 's' },
    {
      name: name('API server’s CPU a child'),
      value: measured.serverMsPerChild,
      unit: 'ms',
      baseline: { name: plain, value: limit.serverMsPerChild },
      ratio: measured.serverMsPerChild / limit.serverMsPerChild,
    },
    {
      name: name('CPU per write'),
      value: measured.cpuMsPerWrite,
      unit: 'ms',
      baseline: { name: plain, value: limit.cpuMsPerWrite },
      ratio: measured.cpuMsPerWrite / limit.cpuMsPerWrite,
      floor: { atMost: FLOORS.cpuMsPerWrite },
    },
    {
      name: name('peak memory'),
      value: measured.peakMebibytes,
      unit: 'MiB',
      floor: { atMost: FLOORS.peakMebibytes },
    },
    {
      name: name('restart, synced and verified'),
      value: measured.restartSeconds,
      unit: 's',
      floor: { atMost: FLOORS.restartSeconds },
    },
    {
      name: name('restart, peak memory'),
      value: measured.restartPeakMebibytes,
      unit: 'MiB',
      floor: { atMost: FLOORS.peakMebibytes },
    },
    {
      name: name('restart, writes'),
      value: measured.restartWrites,
      unit: '',
      floor: { atMost: 0 },
    },
    { name: name('resync, writes'), value: measured.resyncWrites, unit: '', floor: { atMost: 0 } },
    {
      name: name('edits by hand while it was down, not repaired'),
      value: measured.handEditsLeft,
      unit: '',
      floor: { atMost: 0 },
    },
    ...latencyFigures(name('spec change → child updated'), measured.changeMs, limit.changeMs),
    ...latencyFigures(name('child deleted → restored'), measured.repairMs, limit.repairMs),
  ]
}

function latencyFigures(
  name: string,
  samples: readonly number[],
  plain: readonly number[],
): Figure[] {
  const figure = (title: string, share: number): Figure => {
    const [value, alone] = [percentile(samples, share), percentile(plain, share)]
    const baseline = { name: 'the same two writes by plain apply', value: alone }
    return { name: `${name}, ${title}`, value, unit: 'ms', baseline, ratio: value / alone }
  }
  return [figure('p50', 0.5), { ...figure('p99', 0.99), floor: { atMost: FLOORS.latencyP99Ms } }]
}
