import tseslint from 'typescript-eslint';

/** Imports point one way (docs/architecture.md). Each folder lists what it must not reach. */
const forbid = (files, groups, message) => ({
  files,
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      { patterns: groups.map((group) => ({ group, message, allowTypeImports: false })) },
    ],
  },
});

const ours = (...names) =>
  names.flatMap((n) => [`../${n}/**`, `../../${n}/**`, `../../../${n}/**`]);

export default tseslint.config(
  { ignores: ['dist/**', 'build/**', 'src/aptos/hash/assembly/**', 'coverage/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: [
            'eslint.config.js',
            'test/temporal/stand-in-worker.mjs',
            'test/support/hung-files.mjs',
          ],
        },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      eqeqeq: 'error',
    },
  },
  forbid(
    ['src/aptos/**'],
    [
      ['@temporalio/*'],
      ours(
        'node',
        'storage',
        'backup',
        'devnode',
        'activities',
        'workflows',
        'client',
        'cli',
        'temporal',
      ),
    ],
    'aptos/ is what the chain defines: it imports nothing of ours from outside its folder.',
  ),
  forbid(
    ['src/node/**', 'src/storage/**', 'src/devnode/**'],
    [['@temporalio/*'], ours('backup', 'activities', 'workflows', 'client', 'cli', 'temporal')],
    'node/, storage/ and devnode/ stand below the backup domain and know nothing of Temporal.',
  ),
  forbid(
    ['src/backup/**', 'src/catalog/**', 'src/verify/**'],
    [['@temporalio/*'], ours('activities', 'workflows', 'client', 'cli', 'temporal', 'devnode')],
    'backup/, catalog/ and verify/ are domain code: they know nodes, storages and the chain, not Temporal.',
  ),
  {
    files: ['src/workflows/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                'node:*',
                'fs',
                'path',
                'http',
                'crypto',
                '@temporalio/client',
                '@temporalio/worker',
                '@temporalio/activity',
                ...ours(
                  'node',
                  'storage',
                  'backup',
                  'catalog',
                  'verify',
                  'activities',
                  'devnode',
                  'client',
                  'cli',
                  'temporal',
                ),
              ],
              message: 'Workflow code is deterministic: it may import types only.',
              allowTypeImports: true,
            },
          ],
        },
      ],
    },
  },
  { files: ['**/*.{js,mjs}'], ...tseslint.configs.disableTypeChecked },
);
