/**
 * Tiers, told apart by file name: x.test.ts, x.integration.test.ts, x.e2e.test.ts, and x.survival.test.ts, which
 * measure how long videos stand still and are run with nothing beside: on a busy machine these do by themselves.
 */
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: {
    '^.+\\.tsx?$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', tsx: true },
          target: 'es2024',
          transform: { react: { runtime: 'automatic' } },
        },
        module: { type: 'es6' },
      },
    ],
  },
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/'],
}

const anyOf = (kind) => [`<rootDir>/**/*.${kind}.test.ts`, `<rootDir>/**/*.${kind}.test.tsx`]

export default {
  // For tests that set none. On a machine that is several times as slow none fails by that alone.
  testTimeout: 60_000,
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/**/*.test.ts', '<rootDir>/**/*.test.tsx'],
      testPathIgnorePatterns: [
        ...common.testPathIgnorePatterns,
        '\\.(integration|e2e|survival)\\.test\\.tsx?$',
      ],
    },
    { ...common, displayName: 'integration', testMatch: anyOf('integration') },
    { ...common, displayName: 'e2e', testMatch: anyOf('e2e') },
    { ...common, displayName: 'survival', testMatch: anyOf('survival') },
  ],
}
