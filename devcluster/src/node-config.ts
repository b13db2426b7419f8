import type { ClusterBinaries } from './binaries.ts'
import type { NodeAddresses } from './network.ts'

/** Where a node's programs find their files: a private /run that node-init lays out. */
export const RUN = {
  node: '/run/node',
  pki: '/run/pki',
  volumes: '/run/volumes',
  logs: '/run/logs',
  kubernetes: '/run/bin/kubernetes',
  runtime: '/run/bin/runtime',
  containerdSocket: '/run/containerd/containerd.sock',
} as const

/** containerd's configuration file (TOML). Pure. */
export function containerdConfig(options: {
  readonly snapshotter: string
  readonly sandboxImage: string
  /** Path of runc on this machine. */
  readonly runc: string
}): string {
  const runtime = "plugins.'io.containerd.cri.v1.runtime'"
  const images = "plugins.'io.containerd.cri.v1.images'"
  return `version = 3
root = '${RUN.node}/containerd'
state = '/run/containerd'

[grpc]
  address = '${RUN.containerdSocket}'

[${images}]
  snapshotter = '${options.snapshotter}'
  [${images}.pinned_images]
    sandbox = '${options.sandboxImage}'

[${runtime}]
  # Machines in containers or small VMs lack the right to lower a process's OOM score.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  # A profile would stay in the machine's kernel after the cluster is gone.
  disable_apparmor = true
  enable_unprivileged_ports = true
  [${runtime}.cni]
    bin_dirs = ['${RUN.runtime}']
    conf_dir = '${RUN.node}/cni'
  [${runtime}.containerd]
    default_runtime_name = 'runc'
    [${runtime}.containerd.runtimes.runc]
      runtime_type = 'io.containerd.runc.v2'
      [${runtime}.containerd.runtimes.runc.options]
        BinaryName = '${options.runc}'
        Root = '/run/runc'
        SystemdCgroup = false
`
}

/** The pod network of a node: a bridge with the node's own /24. Pure. */
export function cniConfig(node: NodeAddresses): object {
  return {
    cniVersion: '1.0.0',
    name: 'parley',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        // A pod that reaches itself through a Service.
        hairpinMode: true,
        // Every address is routed: nothing needs hiding, and peers see pods as they are.
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: '/run/cni',
          ranges: [[{ subnet: node.podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}

/** KubeletConfiguration. Pure. */
export function kubeletConfig(options: {
  /** Cgroup below which the node's pods are. */
  readonly cgroup: string
  readonly clusterDns: string
  /** Name of the serving certificate. */
  readonly certificate: string
  /** Account for pods' disk use; takes a file system that the kubelet can measure. */
  readonly isolateStorage: boolean
}): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${RUN.pki}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: `${RUN.pki}/${options.certificate}.crt`,
    tlsPrivateKeyFile: `${RUN.pki}/${options.certificate}.key`,
    containerRuntimeEndpoint: `unix://${RUN.containerdSocket}`,
    clusterDomain: 'cluster.local',
    clusterDNS: [options.clusterDns],
    resolvConf: '',
    podLogsDir: `${RUN.node}/log/pods`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: options.cgroup,
    // Hosts with cgroup v1 are still about.
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: options.isolateStorage,
    oomScoreAdj: 0,
    maxPods: 110,
    // The machine's disk is its user's business, not a reason to evict pods or delete images.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    nodeStatusUpdateFrequency: '5s',
    nodeLeaseDurationSeconds: 20,
    syncFrequency: '10s',
    shutdownGracePeriod: '0s',
    serializeImagePulls: false,
    registryPullQPS: 0,
    eventRecordQPS: 0,
    kubeAPIQPS: 100,
    kubeAPIBurst: 200,
  }
}

export function kubeletArguments(node: NodeAddresses): string[] {
  return [
    `--config=${RUN.node}/config/kubelet.json`,
    `--kubeconfig=${RUN.node}/config/kubelet.kubeconfig`,
    `--root-dir=${RUN.node}/kubelet`,
    `--cert-dir=${RUN.node}/kubelet/pki`,
    `--hostname-override=${node.name}`,
    `--node-ip=${node.address}`,
    // Addresses (ExternalIP) are set from outside, as in a cloud; see registerNode.
    '--cloud-provider=external',
    '--v=1',
  ]
}

/** KubeProxyConfiguration. Pure. */
export function kubeProxyConfig(node: NodeAddresses, clusterPodCidr: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    hostnameOverride: node.name,
    clusterCIDR: clusterPodCidr,
    detectLocalMode: 'ClusterCIDR',
    clientConnection: { kubeconfig: `${RUN.node}/config/kube-proxy.kubeconfig` },
    // The conntrack table is the machine's: leave its size and time-outs as they are.
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    iptables: { minSyncPeriod: '0s', syncPeriod: '30s' },
    oomScoreAdj: 0,
  }
}

/** What a kubelet sets when it starts (k8s.io/component-helpers/node/util/sysctl). */
const KUBELET_SYSCTLS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
]

/** What node-init (go/node/cmd/node-init) reads. Pure. */
export function nodeInitConfig(options: {
  readonly node: NodeAddresses
  readonly run: string
  readonly folder: string
  readonly pki: string
  readonly volumes: string
  readonly logs: string
  readonly binaries: ClusterBinaries
  readonly kubelet: readonly string[]
}): object {
  const parleyKube = `${RUN.kubernetes}/parley-kube`
  const program = (name: string, args: readonly string[], after = '') => ({
    name,
    args,
    log: `${RUN.logs}/${options.node.name}-${name}.log`,
    after,
  })
  const registered = `${RUN.node}/config/registered`
  return {
    hostname: options.node.name,
    run: options.run,
    binds: [
      { source: options.folder, target: 'node' },
      { source: options.pki, target: 'pki' },
      { source: options.volumes, target: 'volumes' },
      { source: options.logs, target: 'logs' },
      { source: options.binaries.kubernetes, target: 'bin/kubernetes' },
      { source: options.binaries.runtime, target: 'bin/runtime' },
    ],
    shadowed: KUBELET_SYSCTLS.map((name) => `/proc/sys/${name}`),
    programs: [
      program('containerd', [
        `${RUN.runtime}/containerd`,
        '--config',
        `${RUN.node}/config/containerd.toml`,
      ]),
      program('kubelet', [parleyKube, 'kubelet', ...options.kubelet], registered),
      program(
        'kube-proxy',
        [parleyKube, 'kube-proxy', `--config=${RUN.node}/config/kube-proxy.json`, '--v=1'],
        registered,
      ),
      program(
        'network-policies',
        [
          ...[parleyKube, 'network-policies', `--node=${options.node.name}`],
          `--kubeconfig=${RUN.node}/config/network-policies.kubeconfig`,
        ],
        registered,
      ),
    ],
  }
}
