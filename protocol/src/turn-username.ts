/** Who holds a TURN credential, as far as relaying is concerned. All three are pseudonymous. */
export type RelayIdentity = { tenant: string; room: string; participant: string }

/**
 * The TURN REST API username of a participant: `<expiry epoch s>:<tenant>.<room>.<participant>`.
 * coturn's quotas key on the part after the colon, so they hold for a participant, not a credential.
 */
export function formatTurnUsername(expiryEpochSeconds: number, identity: RelayIdentity): string {
  return `${expiryEpochSeconds}:${identity.tenant}.${identity.room}.${identity.participant}`
}

const turnUsername = /^(\d{1,12}):([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/

/** Reads what {@link formatTurnUsername} wrote; undefined where the username is not of that form. */
export function parseTurnUsername(
  username: string,
): { expiryEpochSeconds: number; identity: RelayIdentity } | undefined {
  const match = turnUsername.exec(username)
  if (!match) return undefined
  const [, expiry, tenant, room, participant] = match as unknown as string[]
  return {
    expiryEpochSeconds: Number(expiry),
    identity: { tenant: tenant ?? '', room: room ?? '', participant: participant ?? '' },
  }
}
