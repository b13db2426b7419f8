/** What others bring into a cluster, as far as a test needs it. */

/** Enough of another operator's kind for objects of it to be made. */
export function stubCrd(group: string, version: string, kind: string): object {
  const singular = kind.toLowerCase()
  const plural = `${singular}s`
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural, singular },
      scope: 'Namespaced',
      versions: [
        { name: version, served: true, storage: true, schema: { openAPIV3Schema: schema } },
      ],
    },
  }
}

/** cert-manager's. */
export const certificateCrd = stubCrd('cert-manager.io', 'v1', 'Certificate')

/** The default StorageClass; nothing makes volumes for it. */
export const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: {
    name: 'standard',
    annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
  },
  provisioner: 'example.com/none',
}
