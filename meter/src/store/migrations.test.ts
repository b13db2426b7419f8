import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { mysqlMigrations, sqliteMigrations } from './migrations.ts'

/** The words of a step alone, so that it may be indented anew. */
const hashesOf = (steps: readonly string[]) =>
  steps.map((step) =>
    createHash('sha256').update(step.replace(/\s+/g, ' ').trim()).digest('hex').slice(0, 12),
  )

/**
 * A store that ran a step has what it said then. Where one of these fails, a step has changed, perhaps because
 * `usageFields` or the indexes did: leave the old ones as they were, and add a step that brings stores there.
 */
describe('steps of the schema', () => {
  it('REQ-K5: of SQLite stay as they were', () => {
    expect(hashesOf(sqliteMigrations)).toEqual([
      'f86f33eecbd4',
      '76062c941313',
      '415c20706b63',
      '89eb53ec7dfd',
      '61a4b5f8f353',
      'f3024c76e4d9',
      '392439ee50c8',
      'c6aac21a0e37',
      '6290d9f6b4af',
      '57f5166c3d20',
      'a65c8ed812d1',
      '1fe935d64f9f',
      '8f7592a0ac10',
      '18936787f069',
      'db7efc3fe9ae',
      '64f43f997ab8',
      '548d6ec41691',
      '1af46bd15d49',
      'c44c287dea2a',
      'ddc551ce83da',
      '9507730552bc',
      'a9d3b69115a1',
      '75a5088d992e',
      '944a0dc76a42',
      '7cfc41407c15',
    ])
  })

  it('REQ-H3, REQ-K5: of MySQL may be run again where a meter ended before it had noted them', () => {
    for (const step of mysqlMigrations) {
      const words = step.replace(/\s+/g, ' ').trim()
      // The two last say ER_DUP_FIELDNAME and ER_DUP_KEYNAME the second time, which is taken for done.
      expect(words).toMatch(
        /^(create table if not exists |alter table \w+ add column (?!.*, ?(add|drop))|create index )/i,
      )
      expect(words).not.toContain(';')
    }
  })

  it('REQ-K5: of MySQL stay as they were', () => {
    expect(hashesOf(mysqlMigrations)).toEqual([
      'fb9caba22d0a',
      '54179ac6b4dc',
      'dcc2e30e0b76',
      '7b6d7de05408',
      'c1c66620e992',
      '4aa825a8529e',
      'ea02008b0f80',
      'cad2ab877655',
      'b9eefdb2242c',
      'b46e8cae5012',
      '243f5e00585b',
      '1e8b7528f960',
      'c6cde19a555a',
      'db7efc3fe9ae',
      'ac6bb9dbcbe6',
      '86d08b2287d8',
      '0566374fab2c',
      'b95b0cc9a47a',
    ])
  })
})
