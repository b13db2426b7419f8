import { readFile } from 'node:fs/promises'
import { durationSeconds } from '@parley/operator/api'
import { longestInviteSeconds } from '@parley/protocol'
import { UsageError } from '../errors.ts'

/** Whose keys sign a link, and where its page is. */
export interface LinkOptions {
  cluster?: string
  keyFile?: string
  url?: string
  kubeconfig?: string
}

/** @throws UsageError */
export async function keysAndUrl(options: LinkOptions): Promise<{ keys: string; url?: string }> {
  const { cluster, keyFile, url } = options
  if ((cluster === undefined) === (keyFile === undefined))
    throw new UsageError('say whose room it is: --cluster NAMESPACE/NAME, or --key-file FILE')
  if (url !== undefined && !URL.canParse(url))
    throw new UsageError(`--url wants an address like https://meet.example.com, not "${url}"`)
  if (keyFile !== undefined)
    return { keys: await readFile(keyFile, 'utf8'), ...(url !== undefined && { url }) }
  const { joinKeysOf, parseClusterName, withApi } = await import('../cluster.ts')
  const name = parseClusterName(cluster ?? '')
  const { keys, domain } = await withApi(options.kubeconfig, (api) => joinKeysOf(api, name))
  return { keys, url: url ?? `https://${domain}` }
}

/** How long a link is good, from a duration such as `24h`. @throws UsageError */
export function seconds(text: string): number {
  let found: number
  try {
    found = durationSeconds(text)
  } catch {
    throw new UsageError(`--expires wants a duration such as 24h or 30m, not "${text}"`)
  }
  if (found < 60 || found > longestInviteSeconds)
    throw new UsageError('--expires: a link is good for 1m at least and 2160h (90 days) at most')
  return Math.floor(found)
}

/** A value that the schema takes. @throws UsageError that names the option */
export function check<T>(
  option: string,
  schema: {
    safeParse(
      value: unknown,
    ): { success: true; data: T } | { success: false; error: { issues: { message: string }[] } }
  },
  value: string,
): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new UsageError(`${option}: ${parsed.error.issues[0]?.message ?? 'cannot be used'}`)
}
