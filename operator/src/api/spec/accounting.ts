import { z } from 'zod'
import { duration, objectName, placement, text } from '../fields.ts'
import { AS_WHOLE, withRules } from '../rule.ts'

export const meter = z
  .strictObject(
    placement({
      requests: { cpu: '50m', memory: '96Mi' },
      limits: { memory: '512Mi' },
    }),
  )
  .prefault({})
  .describe('The meter, which accounts for relayed traffic. It is always one pod.')

export const cost = z
  .strictObject({
    prices: withRules(
      z.strictObject({
        preset: text(
          128,
          /^[a-z0-9-]+\/[a-z0-9-]+$/,
          'is no price preset: write provider/region, like aws/eu-central-1',
        )
          .optional()
          .describe('A price list that comes with Parley, as provider/region.'),
        configMap: objectName()
          .optional()
          .describe('ConfigMap with a price list of your own in the key prices.yaml.'),
      }),
      [
        {
          cel: '!(has(self.preset) && has(self.configMap))',
          check: ({ preset, configMap }) => preset === undefined || configMap === undefined,
          message: 'preset and configMap exclude each other: remove one of them',
          field: 'preset',
        },
      ],
    )
      .meta(AS_WHOLE)
      .prefault({})
      .describe(
        'What relaying costs. Where neither is given: the preset aws/<region>, or aws/us-east-1 where there is none of that name.',
      ),
    reportInterval: duration(
      'Length of the periods that there are RelayCostReports of, in whole hours. A report file is written as often.',
      '1h',
    ),
    budget: z
      .strictObject({
        monthly: text(
          32,
          /^[0-9]+(\.[0-9]+)?$/,
          'is no amount: write one like "500" or "499.90"',
        ).describe('Amount per calendar month, in the currency of the prices, as a string: "500".'),
      })
      .optional()
      .describe(
        'What relaying should cost at most: conditions, events and alerts say when the month costs more, or is going to. It never stops a call.',
      ),
  })
  .prefault({})
  .describe('How the cost of relaying is worked out.')
