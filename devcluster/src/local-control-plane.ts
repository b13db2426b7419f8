import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { CONTROL_PLANE_COMPONENTS, ensureBinaries } from './binaries.ts'
import { type ControlPlaneEndpoints, runControlPlane, serverUrl } from './control-plane.ts'
import { DevclusterError } from './errors.ts'
import { freePorts } from './free-ports.ts'
import { writeAdminKubeconfig } from './kubeconfig.ts'
import { withLock } from './lock.ts'
import { type ClusterPaths, clusterPaths } from './paths.ts'
import { endProcesses, isAlive, type Lifetime, readDaemon, startTimeOf } from './process.ts'
import { type OnProgress, step } from './progress.ts'
import { type ControlPlaneRecord, currentBootId, readRecord, writeRecord } from './record.ts'
import { removeCluster, sweepAbandoned } from './teardown.ts'

export interface StartControlPlaneOptions {
  /** Name of the cluster: two with different names live side by side. */
  readonly name: string
  /** Also write the administrator's kubeconfig here (mode 0600). */
  readonly kubeconfig?: string
  /** Start kube-scheduler too. Default false: without nodes there is nothing to schedule to. */
  readonly scheduler?: boolean
  /** Start kube-controller-manager too. Default true: without it nothing acts on what is written, which benches want. */
  readonly controllers?: boolean
  /** `process` (default) ends with the calling process, however that ends; `detached` goes on. */
  readonly lifetime?: Lifetime
  readonly onProgress?: OnProgress
}

export interface ControlPlane {
  readonly name: string
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string
  /** URL of the API server. */
  readonly server: string
  /** Ends the API server as a crash would, and resolves when it is gone; starting the control plane again brings it back. */
  crashApiServer(): Promise<void>
  /** Ends the processes and removes every file. */
  stop(): Promise<void>
}

/**
 * Starts etcd, kube-apiserver and kube-controller-manager on free ports of 127.0.0.1, with no root and no network
 * namespace. Calling it again for a running cluster returns the same one.
 *
 * @throws DevclusterError NO_GO, DISK_FULL, BUILD_FAILED, PORT_IN_USE, NAME_TAKEN, TIMED_OUT
 */
export async function startControlPlane(options: StartControlPlaneOptions): Promise<ControlPlane> {
  const paths = clusterPaths(options.name)
  const lifetime = options.lifetime ?? 'process'
  const binaries = await ensureBinaries(CONTROL_PLANE_COMPONENTS, options)
  await sweepAbandoned()
  return withLock(`${paths.root}.lock`, () =>
    step(options.onProgress, 'control plane', 5, async () => {
      const record = await decide(paths, options, lifetime)
      const client = await runControlPlane({
        paths,
        binaries: binaries.kubernetes,
        endpoints: record.endpoints,
        lifetime,
        scheduler: record.scheduler,
        controllers: options.controllers ?? true,
      })
      client.close()
      const server = serverUrl(record.endpoints)
      for (const file of [paths.kubeconfig, ...record.kubeconfigs]) {
        await writeAdminKubeconfig({ file, cluster: options.name, server, pki: paths.pki })
      }
      return {
        name: options.name,
        kubeconfig: record.kubeconfigs[0] ?? paths.kubeconfig,
        server,
        async crashApiServer() {
          const apiServer = await readDaemon(paths, 'kube-apiserver')
          if (apiServer) await endProcesses([apiServer], 0)
        },
        stop: () => withLock(`${paths.root}.lock`, () => removeCluster(options.name)),
      }
    }),
  )
}

/** Takes over the recorded decisions of a cluster that is there, or makes and records new ones. */
async function decide(
  paths: ClusterPaths,
  options: StartControlPlaneOptions,
  lifetime: Lifetime,
): Promise<ControlPlaneRecord> {
  const bootId = await currentBootId()
  const existing = await readRecord(paths)
  if (existing?.kind === 'nodes') {
    throw new DevclusterError(
      'NAME_TAKEN',
      `cluster "${options.name}" has nodes: take it down first (devcluster down --name ${options.name}) or choose another --name`,
    )
  }
  let endpoints = existing?.endpoints
  if (existing && existing.bootId !== bootId) {
    await removeCluster(options.name)
    endpoints = undefined
  }
  endpoints ??= await freeEndpoints()
  const recorded = await readDaemon(paths, 'kube-apiserver')
  if (!recorded || !isAlive(recorded)) await requireFree(endpoints.ports.api)
  const kubeconfigs = new Set(existing?.kubeconfigs ?? [])
  if (options.kubeconfig) kubeconfigs.add(resolve(options.kubeconfig))
  const record: ControlPlaneRecord = {
    kind: 'control-plane',
    name: options.name,
    bootId,
    endpoints,
    kubeconfigs: [...kubeconfigs],
    scheduler: options.scheduler ?? existing?.scheduler ?? false,
    lifetime,
    ...(lifetime === 'process'
      ? { owner: { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' } }
      : {}),
  }
  await writeRecord(paths, record)
  return record
}

async function freeEndpoints(): Promise<ControlPlaneEndpoints> {
  const [api = 0, etcd = 0, etcdPeer = 0] = await freePorts(3)
  return {
    address: '127.0.0.1',
    ports: { api, etcd, etcdPeer },
    serviceCidr: '10.255.0.0/16',
    serviceAddress: '10.255.0.1',
  }
}

async function requireFree(port: number): Promise<void> {
  try {
    const server = await listen(port)
    await new Promise((done) => server.close(done))
  } catch (cause) {
    throw new DevclusterError(
      'PORT_IN_USE',
      `port ${port} of 127.0.0.1, which this cluster's API server had, is in use by another program; end that program, or take the cluster down and up again to get other ports`,
      { cause },
    )
  }
}

function listen(port: number) {
  return new Promise<ReturnType<typeof createServer>>((done, failed) => {
    const server = createServer()
    server.on('error', failed)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => done(server))
  })
}
