import { stringify } from 'yaml'

/** A kustomize base, and an overlay to start from, by their path. `operator` is install.yaml without the CRDs. */
export function kustomization(crds: string, operator: string): Map<string, string> {
  const kind = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' }
  return new Map([
    ['base/crds.yaml', crds],
    ['base/operator.yaml', operator],
    ['base/kustomization.yaml', stringify({ ...kind, resources: ['crds.yaml', 'operator.yaml'] })],
    ['overlays/example/kustomization.yaml', overlay],
  ])
}

const overlay = `# An overlay to start from: your registry, and two pods of the operator. Its namespace is chosen
# where the base is made (npm run charts -- --namespace NS): a rule is bound in kube-system too,
# which kustomize's own namespace field would move.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../base]
images:
  - name: localhost/parley-node
    newName: registry.example.com/parley/parley-node
    newTag: 0.1.0
patches:
  - target: { kind: Deployment, name: parley-operator }
    patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: { name: parley-operator }
      spec:
        replicas: 2
        template:
          spec:
            containers:
              - name: manager
                env:
                  # What the operator deploys comes from the same place.
                  - { name: PARLEY_IMAGE_REGISTRY, value: registry.example.com/parley }
                  - { name: PARLEY_IMAGE_TAG, value: 0.1.0 }
`
