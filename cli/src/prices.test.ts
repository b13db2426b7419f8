import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { loadPrices, presetPrices } from '@parley/relay-cost'
import { runParley } from './testing/run.ts'

const transfer = {
  publicationDate: '2026-10-02T00:00:00Z',
  products: {
    OUT: {
      sku: 'OUT',
      attributes: {
        ...{ transferType: 'AWS Outbound', fromRegionCode: 'eu-central-1' },
        ...{ toLocation: 'External', usagetype: 'EUC1-DataTransfer-Out-Bytes' },
      },
    },
  },
  terms: {
    OnDemand: {
      OUT: {
        'OUT.X': {
          priceDimensions: {
            'OUT.X.1': { unit: 'GB', beginRange: '0', pricePerUnit: { USD: '0.0900000000' } },
          },
        },
      },
    },
  },
}

describe('parley cost prices', () => {
  let folder: string
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-prices-'))
  })

  it('REQ-K5: list shows every preset within 80 columns', async () => {
    const { code, out } = await runParley('cost', 'prices', 'list')
    expect(code).toBe(0)
    expect(out).toMatch(/^aws\/eu-central-1 +0\.09 +0\.05 +0\.01 +0\.02 +0\.097 +0\.005$/m)
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    const unknown = await runParley('cost', 'prices', 'list', 'mars')
    expect(unknown).toMatchObject({ code: 2, err: expect.stringMatching(/use one of aws, gcp/) })
  })

  it('REQ-K5: show -o yaml writes a file that prices alike', async () => {
    const { out } = await runParley('cost', 'prices', 'show', 'gcp/europe-west3', '-o', 'yaml')
    expect(loadPrices(out)).toEqual(presetPrices('gcp/europe-west3'))
    const file = await write('two.yaml', `${out}---\n${out}validFrom: 2026-12-01\n`)
    const { out: table } = await runParley('cost', 'prices', 'show', file)
    expect(table.match(/gcp\/europe-west3/g)).toHaveLength(2)
  })

  it('REQ-K5: import streams the vendor’s file and prints a price list', async () => {
    const file = await write('transfer.json', JSON.stringify(transfer))
    const args = ['--from', 'aws', '--region', 'eu-central-1', '--file', file]
    const { code, out, err } = await runParley('cost', 'prices', 'import', ...args)
    expect(code).toBe(0)
    expect(loadPrices(out)).toMatchObject({
      ...{ name: 'aws/eu-central-1', asOf: '2026-10-02' },
      egress: { internet: { tiers: [{ perGB: 0.09 }] } },
    })
    expect(err).toMatch(/note: no price of c6i.large: 0 is taken/)
  })

  it.each([
    [
      'cut.json',
      JSON.stringify(transfer).slice(0, -30),
      /cut\.json ends in the middle of its JSON/,
    ],
    ['page.html', '<html>', /page\.html is not JSON/],
    ['other.json', '{"a": 1}', /no internet egress of region eu-central-1/],
  ])('a file that is no price file is named: %s', async (name, text, message) => {
    const file = await write(name, text)
    const args = ['--from', 'aws', '--region', 'eu-central-1', '--file', file]
    const { code, out, err } = await runParley('cost', 'prices', 'import', ...args)
    expect([code === 0, out]).toEqual([false, ''])
    expect(err).toMatch(message)
  })
})
