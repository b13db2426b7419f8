import type { KubernetesObject } from '../api.ts'

/** The default StorageClass; `parley-kube hostpath-provisioner` makes its volumes. Pure. */
export function renderStorageClass(): KubernetesObject[] {
  return [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: {
        name: 'local',
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      } as KubernetesObject['metadata'],
      provisioner: 'parley.dev/hostpath',
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
    },
  ]
}
