import { type Component, hasLiveKit, type MeetingCluster } from '../api/index.ts'
import type { Secret } from './kubernetes.ts'
import { metadata, secretNames } from './names.ts'
import { addressOf, redisAddress } from './redis.ts'

/** Values of a Secret, base64 as in its `data`. */
export type SecretData = Readonly<Record<string, string>>

/** A Secret that the spec names is not there, lacks a key or holds nonsense; the message says which. */
export class MissingSecretKey extends Error {
  readonly code = 'MISSING_SECRET_KEY'

  constructor(message: string) {
    super(message)
    this.name = 'MissingSecretKey'
  }
}

/**
 * The Secrets of a MeetingCluster, complete. What `existing` (by name of the Secret) already holds
 * is kept; what is missing is made from `randomBytes`. With an external Redis, `existing` has the
 * Secret that the spec names, too. Throws {@link MissingSecretKey}.
 */
export function generateSecrets(
  mc: MeetingCluster,
  existing: Readonly<Record<string, SecretData>>,
  randomBytes: (size: number) => Uint8Array,
): Secret[] {
  return [...makers(mc, existing, randomBytes).values()].map((make) => make())
}

/** One of them, which needs nothing of the others. Throws {@link MissingSecretKey}. */
export function generateSecret(
  mc: MeetingCluster,
  name: string,
  existing: Readonly<Record<string, SecretData>>,
  randomBytes: (size: number) => Uint8Array,
): Secret {
  const make = makers(mc, existing, randomBytes).get(name)
  if (!make) throw new RangeError(`${name} is no Secret of this MeetingCluster`)
  return make()
}

function makers(
  mc: MeetingCluster,
  existing: Readonly<Record<string, SecretData>>,
  randomBytes: (size: number) => Uint8Array,
): Map<string, () => Secret> {
  const names = secretNames(mc)
  const token = () => Buffer.from(randomBytes(32)).toString('base64url')
  // Blank is none to keep: an empty password, as of an external Redis that has none, and lists that somebody emptied.
  const kept = (name: string, key: string) => {
    const value = decode(existing[name]?.[key])
    return value?.trim() ? value : undefined
  }
  const keepOrMake = (name: string, key: string) => kept(name, key) || token()
  const made: [Component, string, () => Record<string, string>][] = [
    ['turn', names.turn, () => ({ secrets: kept(names.turn, 'secrets') || `${token()}\n` })],
    ['redis', names.redis, () => redisSecret(mc, existing, keepOrMake)],
    ['signaling', names.joinKey, () => ({ key: keepOrMake(names.joinKey, 'key') })],
    ['meter', names.meterToken, () => ({ token: keepOrMake(names.meterToken, 'token') })],
  ]
  if (hasLiveKit(mc)) {
    const keys = () => ({ keys: kept(names.livekit, 'keys') || livekitKey(randomBytes) })
    made.push(['sfu', names.livekit, keys])
  }
  return new Map(
    made.map(([component, name, values]) => [name, () => secret(mc, component, name, values())]),
  )
}

/**
 * A line of LiveKit's key file. The key's name goes into every token and to the page; LiveKit wants
 * secrets of 32 characters at least.
 */
export function livekitKey(randomBytes: (size: number) => Uint8Array): string {
  const name = Buffer.from(randomBytes(8)).toString('hex')
  return `API${name}: ${Buffer.from(randomBytes(32)).toString('base64url')}\n`
}

/** An entry for one of the rotating Secrets of this MeetingCluster. */
export function freshEntry(
  mc: MeetingCluster,
  name: string,
  randomBytes: (size: number) => Uint8Array,
): string {
  if (name === secretNames(mc).livekit) return livekitKey(randomBytes).trim()
  return Buffer.from(randomBytes(32)).toString('base64url')
}

/** Which Secrets and keys there are, with no value in any of them: all that can be said without reading one. */
export function secretShapes(mc: MeetingCluster): Secret[] {
  const names = secretNames(mc)
  return [
    secret(mc, 'turn', names.turn, { secrets: '' }),
    secret(mc, 'redis', names.redis, {
      ...{ url: '', password: '', host: '', port: '' },
      ...(mc.spec.redis.mode === 'External' && { ca: '' }),
    }),
    ...(hasLiveKit(mc) ? [secret(mc, 'sfu', names.livekit, { keys: '' })] : []),
    secret(mc, 'signaling', names.joinKey, { key: '' }),
    secret(mc, 'meter', names.meterToken, { token: '' }),
  ]
}

function redisSecret(
  mc: MeetingCluster,
  existing: Readonly<Record<string, SecretData>>,
  keepOrMake: (name: string, key: string) => string,
): Record<string, string> {
  const address = redisAddress(mc)
  const { mode, external } = mc.spec.redis
  if (mode === 'Managed' && address) {
    const password = keepOrMake(secretNames(mc).redis, 'password')
    return redisKeys(new URL(`redis://${address.host}:${address.port}/0`), password)
  }
  const given = external.secretName === '' ? {} : existing[external.secretName]
  if (!given) {
    throw new MissingSecretKey(
      `spec.redis.external.secretName: there is no Secret ${external.secretName}; create it with the key ${external.url === '' ? 'url' : 'password'}`,
    )
  }
  const text = external.url || decode(given.url)
  if (!text) {
    throw new MissingSecretKey(
      `spec.redis.external.secretName: Secret ${external.secretName} has no key url; add it, or give spec.redis.external.url`,
    )
  }
  // Not `new URL` and its error, which carries the text and with it the password.
  const url = URL.parse(text)
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    throw new MissingSecretKey(
      external.url === ''
        ? `spec.redis.external.secretName: the key url of Secret ${external.secretName} is no address of Redis; write redis://:password@host:6379/0, special characters of the password percent-encoded`
        : 'spec.redis.external.url is no address of Redis: write redis://host:6379/0, with a port up to 65535',
    )
  }
  // `kubectl create secret --from-file` keeps the line end of the file.
  const keys = redisKeys(url, decode(given.password)?.replace(/\r?\n$/, ''))
  // Empty where there is none: pods mount it, and a file without certificates adds none.
  return { ...keys, ca: decode(given.ca) ?? '' }
}

/** All that the components want of a Redis, from its URL and a password that may be in it. */
function redisKeys(url: URL, password?: string): Record<string, string> {
  if (password !== undefined) url.password = password
  const { host, port } = addressOf(url)
  return { url: url.href, password: decodePassword(url), host, port: String(port) }
}

/** As it was written where a lone percent sign makes it no percent-encoding. */
function decodePassword({ password }: URL): string {
  try {
    return decodeURIComponent(password)
  } catch {
    return password
  }
}

function secret(
  mc: MeetingCluster,
  component: Component,
  name: string,
  values: Record<string, string>,
): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata(mc, component, name),
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  }
}

function decode(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString()
}
