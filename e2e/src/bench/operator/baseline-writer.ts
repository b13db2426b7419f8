/**
 * The baseline, a process of its own: writes the same objects into many namespaces by plain server-side apply, as
 * fast as the API server takes them. `node baseline-writer.ts FILE` with a `WriterOrder` in FILE; prints a
 * `WriterResult`.
 */
import { readFileSync } from 'node:fs'
import { KubeConfig } from '@kubernetes/client-node'
import { Pool } from 'undici'
import { filledIn } from './template.ts'

export interface WriterOrder {
  kubeconfig: string
  workers: number
  namespaces: string[]
  /** In each, `NAMESPACE` stands for the namespace; a uid of that namespace's owner for `OWNER_UID`. */
  requests: { path: string; body: string }[]
}

export interface WriterResult {
  seconds: number
  writes: number
  cpuSeconds: number
}

const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as WriterOrder
const config = new KubeConfig()
config.loadFromFile(order.kubeconfig)
const tls: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {}
await config.applyToHTTPSOptions(tls as object)
const { ca, cert, key } = tls
const pool = new Pool(config.getCurrentCluster()?.server ?? '', {
  connections: order.workers,
  allowH2: false,
  connect: { ca, cert, key } as object,
})
const headers = {
  'content-type': 'application/apply-patch+yaml',
  accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
}

function* all() {
  for (const [index, namespace] of order.namespaces.entries()) {
    const fill = (text: string) => filledIn(text, namespace, index)
    for (const { path, body } of order.requests) yield { path: fill(path), body: fill(body) }
  }
}

const requests = all()
let writes = 0
const started = performance.now()
await Promise.all(
  Array.from({ length: order.workers }, async () => {
    for (const { path, body } of requests) {
      const response = await pool.request({ method: 'PATCH', path, headers, body })
      const text = await response.body.text()
      if (response.statusCode >= 300) throw new Error(`${path}: ${response.statusCode} ${text}`)
      writes++
    }
  }),
)
const seconds = (performance.now() - started) / 1000
const { user, system } = process.cpuUsage()
await pool.close()
const result: WriterResult = { seconds, writes, cpuSeconds: (user + system) / 1e6 }
console.log(JSON.stringify(result))
