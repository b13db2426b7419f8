import { z } from 'zod'
import { slugSchema } from './ids.ts'
import { linksMax } from './words.ts'

/** Why a participant's media goes over TURN, as far as the page can tell. */
export const relayReasonSchema = z.enum(['udp-blocked', 'symmetric-nat', 'policy', 'unknown'])

const candidateType = z.enum(['host', 'srflx', 'prflx', 'relay'])
/** How a page speaks with a STUN or TURN server. */
const transport = z.enum(['udp', 'tcp', 'tls'])

const linkErrorsMax = 8

/**
 * What a page knows of one of its links: why it is relayed, or not. Types, numbers and yes or no only:
 * no address, no name, no token. A client says what it likes, so nothing is charged by it.
 */
export const linkReportSchema = z.strictObject({
  /** The page counts its links: a later report of the same number takes the place of the one before. */
  link: z
    .int()
    .min(0)
    .max(linksMax - 1),
  /** Since the link began, in ms. */
  ageMs: z
    .int()
    .min(0)
    .max(7 * 86_400_000),
  /** The participant at the other end; null: the SFU, where the room is on it. */
  peer: slugSchema.nullable(),
  /** iceTransportPolicy. */
  policy: z.enum(['all', 'relay']),
  /** Types of the candidates that were gathered at this end. */
  gathered: z.strictObject({ host: z.boolean(), srflx: z.boolean(), relay: z.boolean() }),
  /** Whether any STUN or TURN server answered, by the way it was asked. */
  answered: z.strictObject({ udp: z.boolean(), tcp: z.boolean(), tls: z.boolean() }),
  /** What `icecandidateerror` said: 701 is a server that did not answer, the rest are codes of STUN. */
  errors: z
    .array(z.strictObject({ transport, code: z.int().min(300).max(799) }))
    .max(linkErrorsMax),
  /** One local socket was seen under several ports: a NAT that maps each destination to another one. */
  mappingVaries: z.boolean(),
  /** Candidate pairs that were tried and failed. */
  failedPairs: z.int().min(0).max(9999),
  /** The link is over; nothing more will be reported of it. */
  ended: z.boolean(),
  /** The pair that carries the media; left out while there is none. */
  selected: z
    .strictObject({
      local: candidateType,
      remote: candidateType,
      /** To the relay, where the local candidate is one. */
      relayProtocol: transport.optional(),
    })
    .optional(),
})

/** A report as signaling passes it on: whose it is, by the server's knowledge and clock. */
export const linkRecordSchema = z.strictObject({
  tenant: slugSchema,
  room: slugSchema,
  participant: slugSchema,
  /** Epoch ms when the link began. */
  startedAt: z.int().nonnegative(),
  /** Epoch ms of the report. */
  at: z.int().nonnegative(),
  report: linkReportSchema.omit({ ageMs: true }),
})

export type RelayReason = z.infer<typeof relayReasonSchema>
export type LinkReport = z.infer<typeof linkReportSchema>
export type LinkRecord = z.infer<typeof linkRecordSchema>
export type LinkFacts = LinkRecord['report']

/** The Redis stream that signaling writes and the meter reads; the field `record` holds a LinkRecord as JSON. */
export function linkReportStream(cluster: string): string {
  return `parley:${cluster}:link-reports`
}

/**
 * Why this end of the link uses its relay. docs/guides/cost-reports.md has the rules in words.
 *
 * Of two clients of which one is behind a symmetric NAT, either may end up with the relay, so what
 * the other end reported of the same link counts, too, where it is known.
 */
export function relayReasonOf(
  report: Pick<LinkFacts, 'policy' | 'answered' | 'mappingVaries' | 'selected'>,
  peer?: Pick<LinkFacts, 'mappingVaries'>,
): RelayReason {
  if (report.selected?.local !== 'relay') return 'unknown'
  if (report.policy === 'relay') return 'policy'
  const { udp, tcp, tls } = report.answered
  if (!udp && (tcp || tls)) return 'udp-blocked'
  if (report.mappingVaries || peer?.mappingVaries) return 'symmetric-nat'
  return 'unknown'
}
