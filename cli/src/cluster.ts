import { fillInEmpty, type MeetingCluster } from '@parley/operator/api'
import { METER_PORT, objectName, secretNames } from '@parley/operator/render'
import {
  ApiClient,
  createMetrics,
  DEPLOYMENTS,
  type K8sObject,
  MEETING_CLUSTERS,
  NotFound,
  PODS,
  SECRETS,
} from '@parley/operator/runtime'
import { meterTokenHeader } from '@parley/protocol'
import { UsageError } from './errors.ts'

/** What to say of an API server that does not know MeetingClusters. */
export const notInstalled = {
  what: 'the MeetingCluster resource is not installed',
  fix: 'parley install | kubectl apply --server-side -f -',
}

export type ClusterName = { namespace: string; name: string }

/** Reads `NS/NAME`. @throws UsageError */
export function parseClusterName(text: string): ClusterName {
  const [namespace, name, ...rest] = text.split('/')
  if (!namespace || !name || rest.length > 0)
    throw new UsageError(`--cluster wants NAMESPACE/NAME, for example meetings/demo, not "${text}"`)
  return { namespace, name }
}

/** Runs `work` with a connection to the API server, and closes it after. */
export async function withApi<T>(
  kubeconfig: string | undefined,
  work: (api: ApiClient) => Promise<T>,
): Promise<T> {
  const api = await ApiClient.connect(kubeconfig, createMetrics())
  try {
    return await work(api)
  } finally {
    await api.close()
  }
}

/** @throws Error that says how to see which there are */
export async function getMeetingCluster(
  api: ApiClient,
  { namespace, name }: ClusterName,
): Promise<MeetingCluster> {
  try {
    return fillInEmpty(await api.get<MeetingCluster & K8sObject>(MEETING_CLUSTERS, namespace, name))
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
    throw new Error(
      `there is no MeetingCluster ${namespace}/${name}; parley status lists those there are`,
    )
  }
}

/**
 * @param namespace undefined for all of them
 * @returns undefined where the API server does not know the resource
 */
export async function listMeetingClusters(
  api: ApiClient,
  namespace: string | undefined,
): Promise<MeetingCluster[] | undefined> {
  try {
    const { items } = await api.list(MEETING_CLUSTERS, namespace)
    return (items as (K8sObject & MeetingCluster)[]).map(fillInEmpty)
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

/** Deployments or Pods of every namespace with these labels, as the API server has them. */
export async function listLabelled<T extends K8sObject>(
  api: ApiClient,
  kind: 'deployments' | 'pods',
  labelSelector: string,
): Promise<T[]> {
  const resource = kind === 'pods' ? PODS : DEPLOYMENTS
  return (await api.list(resource, undefined, { labelSelector })).items as T[]
}

/** GET on the meter of a MeetingCluster, through the API server's service proxy. */
export async function askMeter<T>(api: ApiClient, cluster: ClusterName, path: string): Promise<T> {
  const mc = await getMeetingCluster(api, cluster)
  const secret = await api.get<K8sObject & { data?: Record<string, string> }>(
    SECRETS,
    cluster.namespace,
    secretNames(mc).meterToken,
  )
  const token = Buffer.from(secret.data?.token ?? '', 'base64').toString()
  return api.proxyGet<T>(cluster.namespace, `http:${objectName(mc, 'meter')}:${METER_PORT}`, path, {
    [meterTokenHeader]: token,
  })
}

/** The keys of join tokens of a MeetingCluster, and the host name of its page. */
export async function joinKeysOf(
  api: ApiClient,
  cluster: ClusterName,
): Promise<{ keys: string; domain: string }> {
  const mc = await getMeetingCluster(api, cluster)
  const secret = await api.get<K8sObject & { data?: Record<string, string> }>(
    SECRETS,
    cluster.namespace,
    secretNames(mc).joinKey,
  )
  return {
    keys: Buffer.from(secret.data?.key ?? '', 'base64').toString(),
    domain: mc.spec.domain,
  }
}
