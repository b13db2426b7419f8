import { z } from 'zod'
import { duration, placement, replicasOrAutoscaling, scaling, text } from '../fields.ts'
import { isIpRange } from '../ip.ts'
import { AS_WHOLE, withRules } from '../rule.ts'

const claim = (description: string) => z.string().max(256).default('').describe(description)

const signalingAuth = withRules(
  z.strictObject({
    mode: z
      .enum(['Token', 'OIDC'])
      .default('Token')
      .describe(
        'Token: people come with the link of a room, or with an invitation, as guests says. OIDC: only after signing in at the identity provider.',
      ),
    oidc: z
      .strictObject({
        issuer: text(
          2048,
          /^(https:\/\/\S+|http:\/\/(localhost|127\.0\.0\.1)(:[0-9]+)?(\/\S*)?)?$/,
          'is no URL of an identity provider: write one like https://id.example.com',
        )
          .default('')
          .describe(
            'URL of the identity provider, exactly as its tokens have it. Its discovery document is below it.',
          ),
        clientId: z
          .string()
          .max(256)
          .default('')
          .describe(
            'Client id of this MeetingCluster there: a public client with PKCE, and https://<domain>/signed-in to come back to.',
          ),
        scope: text(512, /^$|(^| )openid( |$)/, 'has no openid: write one like openid profile')
          .default('')
          .describe('What pages ask the identity provider for; empty: openid profile.'),
        rolesClaim: claim(
          'Claim with what somebody is there, a text or a list; a dot leads into a claim: realm_access.roles. Empty: roles.',
        ),
        hostRole: claim('Who has this there is a host of every room. Empty: parley-host.'),
        adminRole: claim('Who has this there is an admin. Empty: parley-admin.'),
        memberRole: claim(
          'Who has neither this nor one of the two is a guest, for whom guests holds. Empty: everybody who signs in is a member.',
        ),
        tenantClaim: claim(
          'Claim with the tenant that somebody is of, whom relaying is charged to. Empty: all are of the default one.',
        ),
        origins: z
          .array(
            text(
              270,
              /^https:\/\/[A-Za-z0-9.:[\]-]+$/,
              'is no origin: write one like https://tokens.example.com',
            ),
          )
          .max(16)
          .default([])
          .describe(
            'Origins that pages have to reach to sign in, where the identity provider answers at others than its own.',
          ),
      })
      .meta(AS_WHOLE)
      .prefault({})
      .describe('The identity provider of mode OIDC.'),
    guests: z
      .enum(['Admit', 'Knock', 'Refuse'])
      .default('Admit')
      .describe(
        'Those who are no members. Admit: whoever has the link of a room comes in, and the first is host of that meeting. Knock: they wait until a host lets them in. Refuse: nobody comes without an invitation (parley invite). In mode OIDC they sign in nevertheless.',
      ),
  }),
  [
    {
      cel: "self.mode != 'OIDC' || (has(self.oidc.issuer) && self.oidc.issuer != '' && has(self.oidc.clientId) && self.oidc.clientId != '')",
      check: ({ mode, oidc }) => mode !== 'OIDC' || (oidc.issuer !== '' && oidc.clientId !== ''),
      message: 'mode OIDC needs oidc.issuer and oidc.clientId: give both, or take mode Token',
      field: 'oidc',
    },
  ],
)
  .meta(AS_WHOLE)
  .prefault({})
  .describe('Who may join.')

export const signaling = withRules(
  z.strictObject({
    ...scaling('signaling', {
      targetSockets: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'Sockets per pod that the autoscaler keeps to, where the operator serves that metric.',
        ),
    }),
    ...placement({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { memory: '512Mi' },
    }),
    auth: signalingAuth,
    allowedOrigins: z
      .array(
        text(
          270,
          /^(\*|https?:\/\/[A-Za-z0-9.:[\]-]+)$/,
          'is no origin: write one like https://meet.example.com, or "*" for all',
        ),
      )
      .max(64)
      .default([])
      .describe(
        'Origins of pages that may connect; empty: https://<domain>. "*" allows every page.',
      ),
    trustedProxies: z
      .array(
        withRules(z.string().max(45), [
          {
            cel: 'isIP(self) || isCIDR(self)',
            check: (self) => isIpRange(self) && !self.includes('-'),
            message: 'is no network: write one like 10.20.0.0/16, 192.0.2.7 or fd00::/8',
          },
        ]),
      )
      .max(32)
      .default([])
      .describe(
        'Networks of the proxies in front of the web page, which are believed where a client is (X-Forwarded-For): rate limits count by that. Empty: with webapp.ingress.enabled those of private addresses, else none.',
      ),
    rateLimits: z
      .strictObject({
        messagesPerSecond: z
          .int()
          .min(1)
          .max(10_000)
          .default(50)
          .describe('Messages per second that one socket may send.'),
      })
      .meta(AS_WHOLE)
      .prefault({})
      .describe('What one socket may send.'),
    drainTimeout: duration(
      'How long a signaling pod that goes away waits for its sockets to move.',
      '60s',
      '720h',
    ),
  }),
  [replicasOrAutoscaling],
)
  .prefault({})
  .describe('The servers that browsers talk to before and beside the media.')
