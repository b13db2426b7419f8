/** The demo's path, from nothing to a priced call. The end-to-end test runs the same. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { down, formatProgress, kubectlPath, loadImage, up } from '@parley/devcluster'
import { buildImages } from '@parley/images'
import type { DemoSummary, RelayCostReport } from '@parley/protocol'
import { Listr } from 'listr2'
import { type CallResult, type Guest, holdCall, type Seat } from '../call.ts'
import { type MeetingClusterObject, Stack } from '../stack.ts'

const exampleFile = fileURLToPath(new URL('../../../examples/demo.yaml', import.meta.url))

export type DemoOptions = {
  clusterName: string
  kubeconfig: string
  mediaSeconds?: number
  /** Without it: live on a terminal, plain lines elsewhere. */
  silent?: boolean
  /** Runs when the stack is ready, before anybody calls. */
  beforeCall?: (stack: Stack) => Promise<void>
}

export type DemoResult = {
  summary: DemoSummary
  stack: Stack
  call: CallResult
  /** `kubectl get meetingclusters`, at the end of the call. */
  duringCall: string
  webappUrl: string
}

export const demoNamespace = 'meetings'
export const demoCluster = 'demo'
export const demoRoom = 'standup'

/** Two who must be relayed and one who need not. */
const guests: readonly Guest[] = [
  { name: 'Ada', relay: true },
  { name: 'Grace', relay: true },
  { name: 'Linh', relay: false },
]

type Context = {
  startedAt: number
  clusterReadySeconds: number
  nodeAddress: string
  tag: string
  archives: string[]
  stack: Stack
  stackStartedAt: number
  stackReadySeconds: number
  ready: MeetingClusterObject
  webappUrl: string
  call: CallResult
  duringCall: string
  report: RelayCostReport
}

/**
 * Cluster up, images built and loaded, operator installed, `examples/demo.yaml` applied, a call held,
 * its report fetched. Leaves all of it running.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const tasks = new Listr<Context, 'default', 'verbose'>(
    [
      {
        title: 'Kubernetes and images',
        task: (_context, task) =>
          task.newListr(
            [
              {
                title: 'a real Kubernetes on this machine',
                task: async (context, step) => {
                  const started = Date.now()
                  const say = lines(step)
                  const cluster = await up({
                    name: options.clusterName,
                    nodes: 1,
                    kubeconfig: options.kubeconfig,
                    onProgress: (event) => say(formatProgress(event)),
                  })
                  context.clusterReadySeconds = seconds(started)
                  context.nodeAddress = cluster.nodes[0]?.address ?? ''
                  context.stack = new Stack(await kubectlPath(), options.kubeconfig)
                  step.title = `a real Kubernetes on this machine, ready in ${context.clusterReadySeconds} s`
                },
              },
              {
                title: 'images of Parley',
                task: async (context, step) => {
                  const say = lines(step)
                  const images = await buildImages({
                    onProgress: (event) => say(formatProgress(event)),
                  })
                  context.tag = images[0]?.tag ?? ''
                  context.archives = images.map(({ archive }) => archive)
                  const fresh = images.filter(({ builtNow }) => builtNow).length
                  step.title = `images of Parley, ${fresh} of ${images.length} built anew`
                },
              },
            ],
            { concurrent: true, exitOnError: true },
          ),
      },
      {
        title: 'images into the node',
        task: async (context) => {
          for (const archive of context.archives)
            await loadImage({ name: options.clusterName, archive })
        },
      },
      {
        title: 'operator: parley install | kubectl apply -f -',
        task: async (context) => {
          context.stackStartedAt = Date.now()
          await context.stack.installOperator({ registry: 'localhost', tag: context.tag })
        },
      },
      {
        title: 'meeting stack: kubectl apply -f examples/demo.yaml',
        task: async (context, step) => {
          await context.stack.kubectl(['apply', '-f', '-'], await readFile(exampleFile, 'utf8'))
          context.ready = await context.stack.waitReady(demoNamespace, demoCluster, {
            timeoutMs: 180_000,
            onProgress: lines(step),
          })
          context.stackReadySeconds = seconds(context.stackStartedAt)
          const port = await context.stack.nodePort(demoNamespace, `${demoCluster}-webapp`)
          context.webappUrl = `http://${context.nodeAddress}:${port}`
          step.title = `meeting stack ready in ${context.stackReadySeconds} s, ${seconds(context.startedAt)} s after the start`
        },
      },
      {
        title: 'a call of three browsers, two of them relayed',
        task: async (context, step) => {
          await options.beforeCall?.(context.stack)
          context.call = await holdCall({
            url: context.webappUrl,
            room: demoRoom,
            guests,
            mediaSeconds: options.mediaSeconds ?? 20,
            onProgress: lines(step),
            beforeLeaving: async () => {
              context.duringCall = await context.stack.kubectl(['get', 'meetingclusters', '-A'])
            },
          })
          step.title = `a call of three browsers, two of them relayed, ${context.call.mediaSeconds.toFixed(0)} s`
        },
      },
      {
        title: 'what it cost: parley cost report',
        task: async (context, step) => {
          context.report = await context.stack.reportOnceClosed(
            demoNamespace,
            demoCluster,
            'tenant,room,participant',
            lines(step),
          )
        },
      },
    ],
    {
      ctx: { startedAt: Date.now() } as Context,
      concurrent: false,
      fallbackRenderer: 'verbose',
      // An interrupt is main's to answer.
      registerSignalListeners: false,
      silentRendererCondition: options.silent ?? false,
      rendererOptions: { collapseSubtasks: false },
    },
  )
  const context = await tasks.run()
  return {
    summary: summaryOf(context),
    stack: context.stack,
    call: context.call,
    duringCall: context.duringCall,
    webappUrl: context.webappUrl,
  }
}

/** Takes the demo's cluster down, with everything in it. */
export function stopDemo(clusterName: string): Promise<void> {
  return down({ name: clusterName })
}

/** A step's progress: every line on a terminal, where each replaces the last; elsewhere one in 10 s. */
function lines(step: { output: string }): (line: string) => void {
  let lastAt = 0
  return (line) => {
    if (!process.stdout.isTTY && Date.now() - lastAt < 10_000) return
    lastAt = Date.now()
    step.output = line
  }
}

function summaryOf(context: Context): DemoSummary {
  const { seats, mediaSeconds } = context.call
  const { billable: _billable, ...legs } = context.report.totals.bytes
  return {
    cluster: { readySeconds: context.clusterReadySeconds },
    stack: {
      readySeconds: context.stackReadySeconds,
      components: context.ready.status?.components ?? {},
    },
    call: {
      participants: seats.length,
      relayed: seats.filter((seat) =>
        seat.peers.every((peer) => peer.localCandidateType === 'relay'),
      ).length,
      joinMs: seats.map(({ joinMs }) => joinMs),
      mediaSeconds,
      clientBytes: {
        sent: sumOf(seats, 'bytesSent'),
        received: sumOf(seats, 'bytesReceived'),
      },
    },
    turn: { allocations: context.report.totals.allocations, bytes: legs },
    report: context.report,
  }
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 100) / 10
}

/** Of every connection that the browsers have had. */
function sumOf(seats: readonly Seat[], field: 'bytesSent' | 'bytesReceived'): number {
  return seats
    .flatMap(({ connections }) => connections)
    .reduce((sum, connection) => sum + connection[field], 0)
}
