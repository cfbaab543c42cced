import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';

/**
 * The rooms of src/, lowest first, and what each may import beside itself: `ours` of the rooms above it in
 * this list, `types` of ours as types alone, `sdk` of Temporal's packages. What is `pure` knows no host: workflows
 * run it. The README of each folder says what it is for.
 */
const ROOMS = {
  lib: { pure: true },
  'lib/host': { ours: ['lib'] },
  errors: { types: ['aptos'], pure: true },
  aptos: {},
  node: { ours: ['lib', 'lib/host', 'errors'] },
  storage: { ours: ['lib', 'lib/host', 'errors'] },
  contract: { ours: ['lib', 'errors'], sdk: ['common'], pure: true },
  // What the simulated node and the archive share: both answer as a real node does.
  'backup-service': {},
  devnode: { ours: ['aptos', 'backup-service'] },
  trust: { ours: ['errors', 'aptos', 'node', 'contract'] },
  repository: { ours: ['lib', 'lib/host', 'errors', 'aptos', 'storage', 'contract'] },
  site: {
    ours: [
      ...['lib', 'lib/host', 'errors', 'aptos', 'node', 'storage', 'contract', 'trust'],
      'repository',
    ],
  },
  backup: {
    ours: [
      ...['lib', 'lib/host', 'errors', 'aptos', 'node', 'storage', 'contract', 'trust'],
      ...['repository', 'site'],
    ],
  },
  coordinator: {
    ours: [
      ...['lib', 'lib/host', 'errors', 'aptos', 'node', 'storage', 'contract', 'trust'],
      ...['repository', 'site'],
    ],
  },
  verify: {
    ours: ['lib', 'lib/host', 'errors', 'aptos', 'storage', 'contract', 'trust', 'repository'],
  },
  // A copy is proven on its way as a verification proves what is stored.
  upkeep: {
    ours: [
      ...['lib', 'lib/host', 'errors', 'aptos', 'storage', 'contract', 'trust', 'repository'],
      'verify', // what becomes of stored backups is proven by what is stored
    ],
  },
  restore: {
    ours: [
      ...['lib', 'lib/host', 'errors', 'aptos', 'storage', 'contract', 'trust', 'repository'],
      'verify',
    ],
  },
  archive: {
    ours: [
      ...['lib', 'lib/host', 'errors', 'aptos', 'storage', 'contract', 'backup-service', 'trust'],
      ...['repository', 'verify'],
    ],
  },
  client: { ours: ['lib', 'errors', 'storage', 'contract'], sdk: ['client'] },
  temporal: {
    ours: ['lib', 'lib/host', 'errors', 'contract'],
    sdk: ['client', 'envconfig', 'worker'],
  },
  'temporal-server': {
    ours: ['lib', 'lib/host', 'errors', 'temporal'],
    sdk: ['client', 'common', 'envconfig'],
  },
  supervisor: {
    ours: ['lib', 'lib/host', 'errors', 'contract', 'temporal'],
    types: ['node'],
    sdk: ['client', 'worker'],
  },
  // It checks each setting as the part does that takes it.
  config: { ours: ['lib', 'errors', 'contract', 'client', 'supervisor', 'notify'] },
  monitor: { ours: ['lib', 'errors', 'contract', 'client'], types: ['node', 'supervisor'] },
  notify: { ours: ['lib', 'lib/host', 'errors', 'storage', 'contract', 'client', 'monitor'] },
  page: {
    ours: [
      ...['lib', 'lib/host', 'errors', 'storage', 'contract', 'repository', 'upkeep', 'client'],
      ...['monitor', 'temporal'],
    ],
    sdk: ['client'],
  },
  activities: {
    ours: [
      ...['lib', 'lib/host', 'errors', 'aptos', 'node', 'storage', 'contract', 'repository'],
      ...['site', 'backup', 'coordinator', 'verify', 'upkeep', 'restore', 'client'],
      'supervisor',
    ],
    sdk: ['activity', 'client', 'worker'],
  },
  workflows: {
    ours: ['lib', 'errors', 'contract'],
    types: ['activities'],
    sdk: ['workflow'],
    pure: true,
  },
  cli: {
    ours: [
      ...['lib', 'lib/host', 'aptos', 'node', 'storage', 'contract', 'repository', 'site'],
      ...[
        'client',
        'temporal',
        'temporal-server',
        'supervisor',
        'config',
        'monitor',
        'notify',
        'page',
      ],
      ...['upkeep', 'restore', 'archive'],
    ],
    sdk: ['client'],
  },
};
const PROGRAMS = {
  cli: { ours: ['lib', 'lib/host', 'contract', 'devnode', 'client', 'config', 'cli'] },
  demo: { ours: ['lib', 'lib/host', 'storage', 'devnode', 'repository', 'temporal-server'] },
  worker: {
    ours: [
      ...['lib', 'lib/host', 'node', 'storage', 'contract', 'backup', 'temporal'],
      ...['temporal-server', 'supervisor', 'activities'],
    ],
    sdk: ['worker'],
  },
};
const UP = ['../', '../../', '../../../'];

/** What lies in `lib/` itself is another room than `lib/host/`. */
function filesOf(room) {
  return room === 'lib' ? 'src/lib/*.ts' : `src/${room}/**/*.ts`;
}

function layer(files, { ours = [], types = [], sdk = [], pure = false }, above) {
  const all = Object.keys(ROOMS);
  const rules = [
    { folders: all.filter((name) => ![...ours, ...types].includes(name)), allowTypeImports: false },
    { folders: types, allowTypeImports: true },
  ].map(({ folders, ...rest }) => {
    return { group: above.flatMap((up) => folders.map((name) => `${up}${name}/**`)), ...rest };
  });
  const programs = above.flatMap((up) => Object.keys(PROGRAMS).map((name) => `${up}${name}.js`));
  const packages = ['@temporalio/*', ...sdk.map((name) => `!@temporalio/${name}`)];
  // What lies behind the index of the library is its own matter.
  const inAptos = above.flatMap((up) => [`${up}aptos/**`, `!${up}aptos/index.js`]);
  const patterns = [
    ...rules,
    { group: files === filesOf('aptos') ? [] : inAptos },
    { group: programs },
    { group: packages },
    { group: pure ? ['node:*', ...builtinModules] : [] },
  ].filter(({ group }) => group.length > 0);
  const message = 'It may not be known here: see the beginning of eslint.config.js.';
  return {
    files: [files],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: patterns.map((pattern) => ({ ...pattern, message })) },
      ],
    },
  };
}

const layers = [
  ...Object.entries(ROOMS).map(([name, may]) => layer(filesOf(name), may, UP)),
  layer('src/*.ts', {}, ['./']),
  ...Object.entries(PROGRAMS).map(([name, may]) => layer(`src/${name}.ts`, may, ['./'])),
];

/** No file over 300 lines, no function over 60. */
const lengths = {
  files: ['src/**/*.ts'],
  rules: {
    'max-lines': ['error', { max: 300 }],
    'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  },
};

export default tseslint.config(
  { ignores: ['dist/**', 'src/aptos/hash/assembly/**', 'coverage/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['eslint.config.js', 'test/support/hung-files.mjs'],
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
      'no-duplicate-imports': 'error',
    },
  },
  ...layers,
  lengths,
  { files: ['**/*.{js,mjs}'], ...tseslint.configs.disableTypeChecked },
);
