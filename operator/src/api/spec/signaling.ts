import { z } from 'zod'
import { duration, placement, replicasOrAutoscaling, scaling, text } from '../fields.ts'
import { AS_WHOLE, withRules } from '../rule.ts'

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
          /^(https:\/\/\S+)?$/,
          'is no URL of an identity provider: write one like https://id.example.com',
        )
          .default('')
          .describe('URL of the identity provider.'),
        clientId: z
          .string()
          .max(256)
          .default('')
          .describe('Client id of this MeetingCluster there.'),
      })
      .prefault({})
      .describe('The identity provider of mode OIDC.'),
    guests: z
      .enum(['Admit', 'Knock', 'Refuse'])
      .default('Admit')
      .describe(
        'Guests of mode Token. Admit: whoever has the link of a room comes in, and the first is its host. Knock: they wait until a host lets them in. Refuse: nobody comes without an invitation (parley invite).',
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
