import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiClient } from './api.ts'
import { certificateRequests, ensureCertificates } from './certs.ts'
import { renderKubeconfig } from './kubeconfig.ts'
import { RUN } from './node-config.ts'
import type { ClusterPaths } from './paths.ts'
import { type Daemon, isAlive, type Lifetime, startDaemon, tailLog } from './process.ts'

/** Where a control plane listens and what it calls its networks. */
export interface ControlPlaneEndpoints {
  /** Address of the API server. */
  readonly address: string
  readonly ports: { readonly api: number; readonly etcd: number; readonly etcdPeer: number }
  readonly serviceCidr: string
  /** Address of the `kubernetes` Service: the first of `serviceCidr`. */
  readonly serviceAddress: string
}

export interface ControlPlaneOptions {
  readonly paths: ClusterPaths
  /** Folder of the `kubernetes` component. */
  readonly binaries: string
  readonly endpoints: ControlPlaneEndpoints
  readonly lifetime: Lifetime
  readonly scheduler: boolean
  /** Default true. */
  readonly controllers?: boolean
  readonly networkNamespace?: string
  readonly nodes?: readonly { name: string; address: string }[]
}

export function serverUrl(endpoints: ControlPlaneEndpoints): string {
  return `https://${endpoints.address}:${endpoints.ports.api}`
}

/**
 * Starts what does not run yet of etcd, API server, controller-manager and scheduler, and returns a client when the API
 * server is ready. The caller closes the client.
 */
export async function runControlPlane(options: ControlPlaneOptions): Promise<ApiClient> {
  const { paths, endpoints } = options
  await mkdir(paths.root, { recursive: true, mode: 0o700 })
  await chmod(paths.root, 0o700)
  await Promise.all([
    mkdir(paths.etcd, { recursive: true, mode: 0o700 }),
    mkdir(paths.config, { recursive: true }),
    ensureCertificates(
      join(options.binaries, 'parley-kube'),
      paths.pki,
      certificateRequests({
        serverAddresses: [endpoints.address],
        serviceAddress: endpoints.serviceAddress,
        nodes: options.nodes ?? [],
      }),
    ),
  ])
  // The API server tries again until etcd answers: no need to wait between the two.
  const [etcd, apiServer] = await Promise.all([
    startDaemon(paths, etcdDaemon(options)),
    startDaemon(paths, apiServerDaemon(options)),
    writeComponentKubeconfigs(options),
  ])
  const client = await ApiClient.open(serverUrl(endpoints), paths.pki)
  try {
    await client.waitReady(60_000, async () => {
      for (const [name, identity] of [
        ['etcd', etcd],
        ['kube-apiserver', apiServer],
      ] as const) {
        if (!isAlive(identity)) return `${name} ended:\n${await tailLog(paths, name)}`
      }
      return undefined
    })
    // These give up when the API server is not there within ten seconds, so they come after it.
    await Promise.all(controllerDaemons(options).map((daemon) => startDaemon(paths, daemon)))
  } catch (error) {
    client.close()
    throw error
  }
  return client
}

async function writeComponentKubeconfigs({ paths, endpoints }: ControlPlaneOptions): Promise<void> {
  await Promise.all(
    ['controller-manager', 'scheduler', 'provisioner'].map((certificate) =>
      writeFile(
        join(paths.config, `${certificate}.kubeconfig`),
        renderKubeconfig({ server: serverUrl(endpoints), pki: paths.pki, certificate }),
        { mode: 0o600 },
      ),
    ),
  )
}

function etcdDaemon({ paths, endpoints, ...options }: ControlPlaneOptions): Daemon {
  const client = `https://127.0.0.1:${endpoints.ports.etcd}`
  const peer = `https://127.0.0.1:${endpoints.ports.etcdPeer}`
  const tls = (prefix: string) => [
    `--${prefix}cert-file=${join(paths.pki, 'etcd.crt')}`,
    `--${prefix}key-file=${join(paths.pki, 'etcd.key')}`,
    `--${prefix}trusted-ca-file=${join(paths.pki, 'ca.crt')}`,
    `--${prefix}client-cert-auth`,
  ]
  return daemon(options, 'etcd', 'etcd', [
    '--name=devcluster',
    `--data-dir=${paths.etcd}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=devcluster=${peer}`,
    ...tls(''),
    ...tls('peer-'),
    // A cluster for development: a power cut may cost it, and waiting for the disk on each write costs everyone.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ])
}

function apiServerDaemon({ paths, endpoints, ...options }: ControlPlaneOptions): Daemon {
  const pki = (file: string) => join(paths.pki, file)
  return daemon(options, 'kube-apiserver', 'kube-apiserver', [
    `--bind-address=${endpoints.address}`,
    `--advertise-address=${endpoints.address}`,
    `--secure-port=${endpoints.ports.api}`,
    `--service-cluster-ip-range=${endpoints.serviceCidr}`,
    `--etcd-servers=https://127.0.0.1:${endpoints.ports.etcd}`,
    `--etcd-cafile=${pki('ca.crt')}`,
    `--etcd-certfile=${pki('etcd-client.crt')}`,
    `--etcd-keyfile=${pki('etcd-client.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--kubelet-certificate-authority=${pki('ca.crt')}`,
    `--kubelet-client-certificate=${pki('apiserver-kubelet.crt')}`,
    `--kubelet-client-key=${pki('apiserver-kubelet.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${pki('front-proxy.crt')}`,
    `--proxy-client-key-file=${pki('front-proxy.key')}`,
    // The control plane runs outside of the Service network: it goes to the pods behind a Service directly.
    '--enable-aggregator-routing=true',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('service-account.pub')}`,
    `--service-account-signing-key-file=${pki('service-account.key')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement',
    '--allow-privileged=true',
    '--profiling=false',
    '--v=1',
  ])
}

function controllerDaemons(options: ControlPlaneOptions): Daemon[] {
  const { paths } = options
  const kubeconfig = (name: string) => `--kubeconfig=${join(paths.config, `${name}.kubeconfig`)}`
  if (options.controllers === false) return []
  const daemons = [
    daemon(options, 'kube-controller-manager', 'kube-controller-manager', [
      kubeconfig('controller-manager'),
      '--leader-elect=false',
      '--secure-port=0',
      `--service-account-private-key-file=${join(paths.pki, 'service-account.key')}`,
      `--root-ca-file=${join(paths.pki, 'ca.crt')}`,
      // A lost node is noticed in seconds, so that tests of it are short.
      '--node-monitor-period=2s',
      '--node-monitor-grace-period=20s',
      '--horizontal-pod-autoscaler-sync-period=5s',
      '--horizontal-pod-autoscaler-initial-readiness-delay=5s',
      '--horizontal-pod-autoscaler-cpu-initialization-period=20s',
      '--profiling=false',
      '--v=1',
    ]),
  ]
  if (options.nodes) {
    daemons.push(
      daemon(options, 'hostpath-provisioner', 'hostpath-provisioner', [
        kubeconfig('provisioner'),
        `--dir=${paths.volumes}`,
        `--node-dir=${RUN.volumes}`,
      ]),
    )
  }
  if (options.scheduler) {
    daemons.push(
      daemon(options, 'kube-scheduler', 'kube-scheduler', [
        kubeconfig('scheduler'),
        '--leader-elect=false',
        '--secure-port=0',
        '--profiling=false',
        '--v=1',
      ]),
    )
  }
  return daemons
}

/** A program of the `kubernetes` component, called through its multi-call binary. */
export function daemon(
  options: Pick<ControlPlaneOptions, 'binaries' | 'lifetime' | 'networkNamespace'>,
  name: string,
  program: string,
  args: readonly string[],
): Daemon {
  return {
    name,
    file: join(options.binaries, 'parley-kube'),
    args: [program, ...args],
    lifetime: options.lifetime,
    ...(options.networkNamespace ? { networkNamespace: options.networkNamespace } : {}),
    // Less collecting for a little more memory: start-up is what people wait for.
    env: { GOGC: '200' },
  }
}
