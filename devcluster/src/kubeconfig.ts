import { chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sudoCaller } from './as-root.ts'

/** A kubeconfig that names one of the cluster's certificates by path. Pure. */
export function renderKubeconfig(options: {
  readonly server: string
  readonly pki: string
  readonly certificate: string
}): string {
  return document('parley', options.server, options.certificate, {
    authority: { 'certificate-authority': join(options.pki, 'ca.crt') },
    client: {
      'client-certificate': join(options.pki, `${options.certificate}.crt`),
      'client-key': join(options.pki, `${options.certificate}.key`),
    },
  })
}

/** Writes the administrator's kubeconfig, complete in itself, readable by its owner alone: who called sudo, or this user. */
export async function writeAdminKubeconfig(options: {
  readonly file: string
  readonly cluster: string
  readonly server: string
  readonly pki: string
}): Promise<void> {
  const read = (name: string) => readFile(join(options.pki, name), 'base64')
  const [authority, certificate, key] = await Promise.all([
    read('ca.crt'),
    read('admin.crt'),
    read('admin.key'),
  ])
  const text = document(`parley-${options.cluster}`, options.server, 'admin', {
    authority: { 'certificate-authority-data': authority },
    client: { 'client-certificate-data': certificate, 'client-key-data': key },
  })
  await writeFile(options.file, text, { mode: 0o600 })
  const caller = sudoCaller()
  if (caller) await chown(options.file, caller.uid, caller.gid)
}

function document(
  cluster: string,
  server: string,
  user: string,
  credentials: { authority: Record<string, string>; client: Record<string, string> },
): string {
  // JSON is YAML: no YAML writer is needed for a file that only programs read.
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: cluster, cluster: { server, ...credentials.authority } }],
    users: [{ name: user, user: credentials.client }],
    contexts: [{ name: cluster, context: { cluster, user } }],
    'current-context': cluster,
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
