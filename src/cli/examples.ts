import type { Command } from 'commander';

/** Lines to try, by the command that they are of. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  '': [
    'up --backup-service-address http://node:6186 --local-fs-dir /backups',
    'status',
    'verify --local-fs-dir /backups',
  ],
  up: [
    'up --backup-service-address http://node:6186 --local-fs-dir /backups',
    "up --backup-service-address http://a:6186,http://b:6186 --storage 's3://bucket/backups?region=eu-west-1'",
    'up --config aptos-backup.yaml',
  ],
  continuously: [
    'continuously --backup-service-address http://node:6186 --local-fs-dir /backups',
    'continuously --local-fs-dir /backups --concurrent-data-requests 8',
  ],
  worker: ['worker --chunk-workers 2 --health-address 0.0.0.0:9464'],
  status: ['status', 'status --local-fs-dir /backups --json', 'status --check --warning 7200'],
  list: ['list', 'list --json'],
  stop: ['stop', 'stop --local-fs-dir /backups', 'stop --all'],
  pause: ['pause', 'pause state-snapshot'],
  resume: ['resume', 'resume state-snapshot'],
  retry: ['retry', 'retry transaction/0-999999'],
  concurrency: ['concurrency 8'],
  now: ['now transaction', 'now state-snapshot --state-snapshot-epoch 99'],
  oneoff: ['oneoff --local-fs-dir /backups transaction --start-version 0 --num_transactions 1000'],
  'oneoff epoch-ending': [
    'oneoff epoch-ending --local-fs-dir /backups --start-epoch 0 --end-epoch 10',
  ],
  'oneoff state-snapshot': [
    'oneoff state-snapshot --local-fs-dir /backups --state-snapshot-epoch 99',
  ],
  'oneoff transaction': [
    'oneoff transaction --local-fs-dir /backups --start-version 0 --num_transactions 1000',
  ],
  schedule: ['schedule create verify --local-fs-dir /backups --every 1d', 'schedule list'],
  'schedule create': [
    'schedule create verify --local-fs-dir /backups --every 1d --sample 20%',
    'schedule create copy --local-fs-dir /backups --to s3://bucket/copy --every 1h',
  ],
  'schedule list': ['schedule list', 'schedule list --json'],
  'schedule delete': ['schedule delete aptos-backup/1a2b3c4d/schedule/verify'],
  notify: ['notify test --notify-webhook https://chat.example.com/hooks/1'],
  'notify test': [
    'notify test --notify-webhook https://chat.example.com/hooks/1',
    'notify test --notify-command /usr/local/bin/page-me',
  ],
  verify: [
    'verify --local-fs-dir /backups',
    'verify --local-fs-dir /backups --sample 5% --budget-seconds 3600',
  ],
  copy: [
    'copy --from /backups --to s3://bucket/backups',
    'copy --from /backups --to /mnt/usb --newest-snapshot',
  ],
  restore: ['restore plan --local-fs-dir /backups', 'restore drill --local-fs-dir /backups'],
  'restore plan': ['restore plan --local-fs-dir /backups --target-version 1000000'],
  'restore drill': [
    'restore drill --local-fs-dir /backups --stock-binary /usr/local/bin/aptos-db-tool',
  ],
  'backup-maintenance': ['backup-maintenance compact --local-fs-dir /backups --dry-run'],
  'backup-maintenance compact': ['backup-maintenance compact --local-fs-dir /backups --dry-run'],
  'backup-maintenance consolidate': [
    'backup-maintenance consolidate --local-fs-dir /backups --dry-run',
  ],
  repository: [
    'repository list --local-fs-dir /backups',
    'repository stats --local-fs-dir /backups',
  ],
  'repository list': ['repository list --local-fs-dir /backups --json'],
  'repository show': ['repository show --local-fs-dir /backups state_epoch_99-.1a2b'],
  'repository prune': [
    'repository prune --local-fs-dir /backups --keep-last 3 --keep-weekly 12w --dry-run',
  ],
  'repository gc': ['repository gc --local-fs-dir /backups --dry-run'],
  'repository keep': [
    'repository keep --local-fs-dir /backups state_epoch_99-.1a2b --note "before the upgrade"',
  ],
  'repository unkeep': ['repository unkeep --local-fs-dir /backups state_epoch_99-.1a2b'],
  config: ['config example > aptos-backup.yaml', 'config show --config aptos-backup.yaml'],
  'config show': ['config show --config aptos-backup.yaml'],
  'config example': ['config example > aptos-backup.yaml'],
  check: [
    "check --storage 's3://bucket/backups?region=eu-west-1'",
    'check --config aptos-backup.yaml',
  ],
  serve: ['serve --local-fs-dir /backups --listen 0.0.0.0:6186'],
  query: ['query backup-storage-state --local-fs-dir /backups'],
  'query node-state': ['query node-state --backup-service-address http://node:6186'],
  'query backup-storage-state': ['query backup-storage-state --local-fs-dir /backups'],
  waypoint: ['waypoint genesis.blob'],
  devnode: ['devnode --grow 50 --start-time now'],
  completion: [
    'completion bash > /etc/bash_completion.d/aptos-backup',
    'completion zsh > "${fpath[1]}/_aptos-backup"',
    'completion fish > ~/.config/fish/completions/aptos-backup.fish',
  ],
};

/** Puts examples below the help of a command and of all its subcommands. */
export function addExamples(command: Command, name: string, path = ''): void {
  const lines = EXAMPLES[path] ?? (path === '' ? [] : [`${path} --local-fs-dir /backups`]);
  const text = lines.map((line) => `  ${name} ${line}`).join('\n');
  command.addHelpText('after', `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${text}`);
  for (const one of command.commands) addExamples(one, name, `${path} ${one.name()}`.trim());
}
