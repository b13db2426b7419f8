import type { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { authorities } from './certificate.ts'

/**
 * Who passes requests on to us, and how it says for whom: the API server, with a certificate of the authority in
 * ConfigMap kube-system/extension-apiserver-authentication.
 * Source: Kubernetes, "Configure the Aggregation Layer", authentication flow.
 */
export interface FrontProxy {
  /** PEM, one or more. */
  ca: string
  /** Common names that the certificate may have; empty: any. */
  allowedNames: string[]
  usernameHeaders: string[]
  groupHeaders: string[]
  extraHeaderPrefixes: string[]
}

/** On whose behalf a request is made. */
export interface Identity {
  user: string
  groups: string[]
  extra: Record<string, string[]>
}

const list = z
  .string()
  .optional()
  .transform((text): unknown => (text ? JSON.parse(text) : []))
  .pipe(z.array(z.string()))

const configSchema = z.looseObject({
  'requestheader-client-ca-file': z.string().refine((pem) => authorities(pem).length > 0, {
    message: 'holds no certificate: is the aggregation layer of this cluster set up?',
  }),
  'requestheader-allowed-names': list,
  'requestheader-username-headers': list,
  'requestheader-group-headers': list,
  'requestheader-extra-headers-prefix': list,
})

/** The cluster does not say who its front proxy is, so nobody can be believed. */
export class NoFrontProxy extends Error {
  override name = 'NoFrontProxy'
  readonly code = 'NO_FRONT_PROXY'
  constructor(reason: string) {
    super(
      `kube-system/extension-apiserver-authentication: ${reason}; start the API server with --requestheader-client-ca-file and its sisters`,
    )
  }
}

/** @param data of the ConfigMap @throws NoFrontProxy */
export function parseFrontProxy(data: Record<string, string>): FrontProxy {
  const config = parseConfig(data)
  return {
    ca: config['requestheader-client-ca-file'],
    allowedNames: config['requestheader-allowed-names'],
    usernameHeaders: config['requestheader-username-headers'],
    groupHeaders: config['requestheader-group-headers'],
    extraHeaderPrefixes: config['requestheader-extra-headers-prefix'],
  }
}

function parseConfig(data: Record<string, string>) {
  try {
    return configSchema.parse(data)
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : []
    throw new NoFrontProxy(issue ? `${issue.path.join('.')} ${issue.message}` : String(error))
  }
}

/** Whether a certificate, which the authority has been found to have signed, is the front proxy's. */
export function isAllowedName(
  { allowedNames }: FrontProxy,
  { subject }: Pick<X509Certificate, 'subject'>,
): boolean {
  if (allowedNames.length === 0) return true
  const names = (subject ?? '')
    .split('\n')
    .flatMap((part) => (part.startsWith('CN=') ? [part.slice(3)] : []))
  const [name] = names
  return names.length === 1 && name !== undefined && allowedNames.includes(name)
}

const ANONYMOUS = 'system:anonymous'

/** Whom the front proxy speaks for; undefined for nobody that it has authenticated. */
export function identityOf(
  proxy: FrontProxy,
  headers: Readonly<NodeJS.Dict<string[]>>,
): Identity | undefined {
  const valuesOf = (names: string[]) => names.flatMap((name) => headers[name.toLowerCase()] ?? [])
  const user = valuesOf(proxy.usernameHeaders).find((name) => name !== '')
  if (user === undefined || user === ANONYMOUS) return undefined
  const extra: Record<string, string[]> = {}
  for (const prefix of proxy.extraHeaderPrefixes.map((text) => text.toLowerCase())) {
    for (const [header, values = []] of Object.entries(headers)) {
      if (header.startsWith(prefix)) extra[decode(header.slice(prefix.length))] = values
    }
  }
  return { user, groups: valuesOf(proxy.groupHeaders), extra }
}

/** Keys come percent-encoded, because a header cannot hold every letter. */
function decode(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
