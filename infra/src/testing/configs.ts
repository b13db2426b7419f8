import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { regionZones } from '../config/catalogue.ts'
import { type InfraConfig, loadConfig } from '../config/load.ts'

const read = (name: string) =>
  readFileSync(new URL(`../../config/${name}.yaml`, import.meta.url), 'utf8')

export const exampleText = read('example')

export function exampleConfig(): InfraConfig {
  return loadConfig(exampleText, 'example.yaml')
}

export function developmentConfig(): InfraConfig {
  return loadConfig(read('development'), 'development.yaml')
}

const regions = Object.keys(regionZones).filter((name) => (regionZones[name]?.length ?? 0) >= 3)

/** A configuration as somebody may write it: always a valid one. */
export function anyConfig(): fc.Arbitrary<InfraConfig> {
  const pool = fc.record({
    min: fc.integer({ min: 1, max: 5 }),
    max: fc.integer({ min: 5, max: 40 }),
    reservedShare: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  return fc
    .record({
      names: fc.uniqueArray(fc.constantFrom(...regions), { minLength: 1, maxLength: 2 }),
      prefix: fc.integer({ min: 16, max: 20 }),
      environment: fc.constantFrom('production', 'development'),
      administrators: fc.constantFrom([], ['203.0.113.0/24']),
      sizes: fc.record({ system: pool, web: pool, sfu: pool, turn: pool }),
      nat: fc.constantFrom('each-zone', 'single'),
      inTransit: fc.constantFrom('preferred', 'required'),
      split: fc.integer({ min: 41_000, max: 60_000 }),
      tls: fc.boolean(),
      spotShare: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(
      ({ names, prefix, environment, administrators, sizes, nat, inTransit, split, ...more }) => {
        const spot = environment === 'development' ? more.spotShare : 0
        const file = {
          ...{ version: 1, name: 'meet', environment, administrators },
          ...{ domain: 'meet.example.com', zone: 'example.com' },
          state: { bucket: 'example-state', region: 'eu-central-1' },
          sizes: {
            system: sizes.system,
            web: { ...sizes.web, spotShare: more.spotShare },
            sfu: { ...sizes.sfu, spotShare: spot },
            turn: { ...sizes.turn, spotShare: spot },
            redis: { inTransit },
            nat,
          },
          meetingCluster: {
            sfu: { ports: { min: 40_000, max: split } },
            turn: {
              relayPorts: { min: split + 1, max: 65_535 },
              ...(more.tls ? {} : { tls: { issuerRef: null } }),
            },
          },
          regions: names.map((region, index) => ({
            region,
            cidr: `10.${index + 16}.0.0/${prefix}`,
          })),
        }
        return loadConfig(stringify(file), 'made up')
      },
    )
}
