import neostandard, { plugins } from 'neostandard'

const typescript = plugins['typescript-eslint'].plugin

export default [
  ...neostandard({ ts: true, ignores: ['dist/**', '.build*/**', '.tap/**', 'node_modules/**'] }),
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    plugins: { '@typescript-eslint': typescript },
    languageOptions: { parserOptions: { project: './tsconfig.test.json' } },
    rules: {
      '@typescript-eslint/no-misused-promises': 'error',
      'no-void': ['error', { allowAsStatement: true }], // how a promise that nobody waits for is marked
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-redeclare': 'off' // a schema and its type share a name; TypeScript reports real ones
    }
  },
  {
    files: ['src/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'as', objectLiteralTypeAssertions: 'never' }]
    }
  },
  {
    // tap collects the promises of its own subtests.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', {
        allowForKnownSafeCalls: [{ from: 'package', package: '@tapjs/test', name: ['test', 'rejects', 'resolves', 'resolveMatch'] }]
      }]
    }
  }
]
