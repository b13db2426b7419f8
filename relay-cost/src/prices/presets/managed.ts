import type { Preset } from './preset.ts'

/** TURN as a service: no nodes, no headers, and other legs on the bill than a cloud's. */
export const managedPresets: Preset[] = [
  {
    name: 'cloudflare/global',
    meter: 'to-client',
    gigabyte: 1e9,
    source: 'https://developers.cloudflare.com/realtime/turn/faq/ (checked)',
    tiers: [
      [1000, 0],
      [undefined, 0.05],
    ],
    packetOverheadBytes: 0,
  },
  ...[
    { name: 'twilio/us1', perGB: 0.4 },
    { name: 'twilio/de1', perGB: 0.4 },
    { name: 'twilio/sg1', perGB: 0.6 },
    { name: 'twilio/br1', perGB: 0.8 },
  ].map(
    ({ name, perGB }): Preset => ({
      name,
      meter: 'sent-and-received',
      gigabyte: 1e9,
      source:
        'https://www.twilio.com/en-us/stun-turn/pricing (price approximate; what counts: https://www.twilio.com/docs/stun-turn/faq, checked)',
      approximate: true,
      tiers: [[undefined, perGB]],
      packetOverheadBytes: 0,
    }),
  ),
]
