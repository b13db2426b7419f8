import type { V1DeploymentSpec, V1ServiceSpec, V1StatefulSetSpec } from '@kubernetes/client-node'

/** A manifest: a plain object, in the form in which the API server takes it. */
export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
}

export type Deployment = KubernetesObject & { spec: V1DeploymentSpec }
export type StatefulSet = KubernetesObject & { spec: V1StatefulSetSpec }
export type Service = KubernetesObject & { spec: V1ServiceSpec }
export type ConfigMap = KubernetesObject & { data: Record<string, string> }
export type Secret = KubernetesObject & { type: string; data: Record<string, string> }

/** Leaves out what is undefined or empty: to the API server both mean the same as nothing. */
export function compact<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  const left: Partial<T> = {}
  for (const key in fields) if (!isEmpty(fields[key])) left[key] = fields[key] as T[typeof key]
  return left as T
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '') return true
  if (typeof value !== 'object' || value === null) return false
  for (const _ in value) return false
  return true
}
