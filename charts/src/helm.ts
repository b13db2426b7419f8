import { z } from 'zod'
import { installDocuments } from './install.ts'
import { helmTemplate } from './template.ts'
import { type InstallValues, installValues, installValuesSchema } from './values.ts'

export interface ChartOptions {
  /** Of the chart, and of the images that it installs: `MAJOR.MINOR.PATCH`. */
  version: string
  /** Defaults of the chart that differ from ours. */
  image?: { registry?: string; tag?: string }
}

/** The files of the Helm chart by their path in it. */
export function helmChart(options: ChartOptions): Map<string, string> {
  const { image = {} } = options
  const defaults = installValues({ image: image.registry ? { registry: image.registry } : {} })
  const files = new Map<string, string>([
    ['Chart.yaml', chartYaml(options)],
    ['values.yaml', valuesYaml(defaults)],
    ['values.schema.json', `${JSON.stringify(valuesJsonSchema(), null, 2)}\n`],
    ['README.md', readme(defaults)],
    ['.helmignore', '.git\n*.tgz\n'],
    ['templates/NOTES.txt', notes],
    ['templates/tests/operator.yaml', test],
  ])
  for (const document of installDocuments()) {
    const path = `templates/${document.file}`
    files.set(path, (files.get(path) ?? '') + helmTemplate(document))
  }
  return files
}

function chartYaml({ version, image }: ChartOptions): string {
  return `apiVersion: v2
name: parley
description: The Parley operator – WebRTC meetings on Kubernetes, and what their relayed part costs
type: application
version: ${version}
# The tag of the images, unless image.tag says otherwise.
appVersion: ${JSON.stringify(image?.tag ?? version)}
kubeVersion: ">=1.31.0-0"
keywords: [webrtc, turn, coturn, sfu, meetings, operator]
`
}

type Schema = {
  type?: string
  description?: string
  default?: unknown
  properties?: Record<string, Schema>
  additionalProperties?: unknown
}

/** Draft 7, which every Helm from 3.0 on reads. */
function valuesJsonSchema(): Schema {
  return z.toJSONSchema(installValuesSchema, { target: 'draft-7', io: 'input' }) as Schema
}

interface Field {
  path: string
  depth: number
  description: string
  /** undefined for a group of fields */
  value: unknown
}

/** Every value, groups before their fields, in the order of the schema. */
function fieldsOf(defaults: InstallValues): Field[] {
  const visit = (schema: Schema, value: unknown, path: string[]): Field[] =>
    Object.entries(schema.properties ?? {}).flatMap(([name, child]): Field[] => {
      const inner = (value as Record<string, unknown> | undefined)?.[name]
      if (inner === undefined) return []
      const here = [...path, name]
      const isGroup = child.properties !== undefined
      const field = {
        path: here.join('.'),
        depth: path.length,
        description: child.description ?? '',
        value: isGroup ? undefined : inner,
      }
      return isGroup ? [field, ...visit(child, inner, here)] : [field]
    })
  return visit(valuesJsonSchema(), defaults, [])
}

function valuesYaml(defaults: InstallValues): string {
  const lines = fieldsOf(defaults).flatMap(({ path, depth, description, value }) => {
    const indent = '  '.repeat(depth)
    const name = path.split('.').at(-1)
    const comment = wrap(description, 96 - indent.length).map((line) => `${indent}# ${line}`)
    const text = value === undefined ? '' : ` ${flow(value)}`
    return [...(depth === 0 ? [''] : []), ...comment, `${indent}${name}:${text}`]
  })
  return `# Values of the Parley operator's chart. values.schema.json checks them.\n${lines.join('\n')}\n`
}

/** YAML on one line, with the spaces that people write. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => `${key}: ${flow(inner)}`)
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
  }
  return typeof value === 'string' && /^[A-Za-z][\w.-]*$/.test(value)
    ? value
    : JSON.stringify(value)
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines
}

function readme(defaults: InstallValues): string {
  const rows = fieldsOf(defaults)
    .filter(({ value }) => value !== undefined)
    .map(
      ({ path, description, value }) =>
        `| \`${path}\` | \`${flow(value).replaceAll('|', '\\|')}\` | ${description} |`,
    )
  return `# Parley operator

WebRTC meetings on Kubernetes, and what their relayed part costs – down to the room. This chart
installs the operator and the MeetingCluster resource; a MeetingCluster then becomes a meeting stack.

\`\`\`
helm install parley ./parley --namespace parley-system --create-namespace \\
  --set image.registry=registry.example.com/parley
helm test parley --namespace parley-system
\`\`\`

The custom resources are installed and upgraded with the chart (\`crds.install\`), and stay with every
MeetingCluster when the chart is removed (\`crds.keep\`). To remove them too:
\`kubectl delete crd meetingclusters.parley.dev relaycostreports.parley.dev\`, which ends every call.

| value | default | what it does |
|---|---|---|
${rows.join('\n')}
`
}

const notes = `The Parley operator {{ .Chart.AppVersion }} is being installed into {{ .Release.Namespace }}.
{{- if .Values.watchNamespace }}
It looks after MeetingClusters in the namespace {{ .Values.watchNamespace }} only.
{{- end }}

See that it runs:

  kubectl rollout status deployment -l app.kubernetes.io/name=parley-operator -n {{ .Release.Namespace }}
  helm test {{ .Release.Name }} -n {{ .Release.Namespace }}

Ask for a meeting stack:

  kubectl apply -f - <<EOF
  apiVersion: parley.dev/v1alpha1
  kind: MeetingCluster
  metadata: { name: small, namespace: {{ .Values.watchNamespace | default "meetings" }} }
  spec:
    domain: meet.example.com
    region: eu-central-1
  EOF
  kubectl get meetingclusters -A --watch

Its namespace must let pods run on the host network, where it enforces a Pod Security Standard:

  kubectl label namespace {{ .Values.watchNamespace | default "meetings" }} pod-security.kubernetes.io/enforce=privileged
{{- if not .Values.crds.install }}

The MeetingCluster resource is not part of this release (crds.install is false): it must be there already.
{{- end }}
`

/** Asks the operator's Service for its metrics, for 30 s at most: the pod is ready, and the Service leads to it. */
const test = `apiVersion: v1
kind: Pod
metadata:
  name: parley-operator-test
  namespace: {{ .Release.Namespace | quote }}
  labels:
    app.kubernetes.io/name: parley-operator-test
    app.kubernetes.io/part-of: parley
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    seccompProfile: { type: RuntimeDefault }
  containers:
    - name: test
      image: {{ printf "%s/parley-node:%s" (trimSuffix "/" .Values.image.registry) (.Values.image.tag | default .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [node, --eval]
      args:
        - |
          const ask = async () => (await fetch('http://parley-operator:8080/metrics')).text()
          // Right after the install a node may not know yet where the Service leads.
          const until = Date.now() + 30_000
          const patiently = () =>
            ask().catch(async (error) => {
              if (Date.now() > until) throw error
              await new Promise((resolve) => setTimeout(resolve, 500))
              return patiently()
            })
          const text = await patiently()
          const leading = text.match(/^leader_election_master_status.*$/m)?.[0]
          console.log(leading ?? 'no leader election')
          if (!text.includes('controller_runtime_')) throw new Error('these are not the metrics of the operator')
      resources:
        requests: { cpu: 10m, memory: 32Mi }
        limits: { memory: 128Mi }
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
`
