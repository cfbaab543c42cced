/** A configuration file with every setting, as `config example` prints it. docs/operating.md has the same text. */
export const EXAMPLE = `# aptos-backup.yaml: what is long-lived. Use it with --config FILE, or APTOS_BACKUP_CONFIG=FILE.
# A flag comes before the environment, that before this file, and the file before the defaults.
# Paths begin in the folder of this file, or with ~/ in the home folder. Secrets do not belong here.

nodes: # of one chain, the preferred one first
  - http://node-a:6186
  - http://node-b:6186
storage: s3://my-bucket/backups?region=eu-west-1 # or a folder, or the YAML of a command adapter
network: mainnet # refuse a node of another network
# trust_waypoints: ["VERSION:HASH"]

limits:
  concurrency: 4 # ranges in flight, in each stream
  max_chunk_size: 134217728 # bytes of a chunk file
  node_streams: 8 # these three: of all work of a Temporal server together with a node
  node_requests_per_second: 100
  node_bytes_per_second: 100000000

batches:
  transaction_batch_size: 1000000
  transaction_batch_seconds: 600 # a batch that is not full is closed after so long
  state_snapshot_interval_epochs: 1

compact_above_files: 1000 # 0: never

copy: # a second storage that is kept in step
  to: gs://my-other-bucket/backups
  bytes_per_second: 50000000
  requests_per_second: 100

# What \`repository prune\` keeps, and a schedule of kind prune. Without such a schedule nothing is retired by itself.
retention:
  keep_last: 3
  keep_daily: 14d
  keep_weekly: 12w
  grace: 7d

# \`up\` and \`continuously\` make and change these. What they made is removed when it is no longer named here.
schedules:
  - kind: verify
    every: 1d
    sample: 20%
  - kind: compact
    every: 7d
  - kind: prune
    every: 1d
  - kind: gc
    every: 1d

# These take effect with the next start.
notifications: # of alarms
  webhook_file: /etc/aptos-backup/webhook # the URL is in this file: it may be a secret
  command: [/usr/local/bin/page-me, --now]
  after: 60s
workers:
  chunk_workers: 2
page:
  address: 127.0.0.1:9464
  # token_file: page-token
  # temporal_ui: http://temporal-ui:8080
data_dir: /var/lib/aptos-backup
log_format: text
`;
