/** Command adapters as operators have them: forms of the public ones, over the programs in `bin`. */
const usual = (upload: string, download: string, list: string, move?: string) => `
  create_backup: 'echo "$BACKUP_NAME"'
  create_for_write: |
    FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-  # close stdout
    ${upload}
  open_for_read: ${download}
  save_metadata_line: |
    FILE_HANDLE="metadata/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    ${upload}
  list_metadata_files: ${list}
${move === undefined ? '' : `  backup_metadata_file: ${move}\n`}`;

const named = (commands: string) => `env_vars:
  - key: BUCKET
    value: backups/of a team
  - key: SUB_DIR
    value: e1
unknown: [it, is, ignored]
commands:${commands}  another: true
`;

/** BUCKET and SUB_DIR come from the environment. */
const inherited = (commands: string) => `env_vars: []\ncommands:${commands}`;

const AZCOPY = `env_vars:
  - { key: ACCOUNT, value: account }
  - { key: SAS, value: '?sv=2021-06-08&sig=s3cret%2Bsignature' }
commands:
  create_backup: 'echo "$BACKUP_NAME"'
  create_for_write: |
    FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-  # close stdout
    gzip -c | azcopy cp --from-to PipeBlob "https://$ACCOUNT.blob.core.windows.net/$BUCKET/$SUB_DIR/$FILE_HANDLE$SAS" > /dev/null
  open_for_read: 'azcopy cp --from-to BlobPipe "https://$ACCOUNT.blob.core.windows.net/$BUCKET/$SUB_DIR/$FILE_HANDLE$SAS" < /dev/null | gzip -cd'
  save_metadata_line: 'gzip -c | azcopy cp --from-to PipeBlob "https://$ACCOUNT.blob.core.windows.net/$BUCKET/$SUB_DIR/metadata/$FILE_NAME$SAS"'
  list_metadata_files: |
    (azcopy ls "https://$ACCOUNT.blob.core.windows.net/$BUCKET/$SUB_DIR/metadata/$SAS" ||:) \\
    | sed -ne "s#; .*##;s#INFO: \\(.*\\.meta\\)#metadata/\\1#p"
`;

export const ADAPTERS: Record<string, string> = {
  'aws s3': named(
    usual(
      'gzip -c | aws s3 cp - "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE"',
      `'AWS_MAX_ATTEMPTS=100 aws s3 cp "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE" - --no-sign-request | gzip -cd'`,
      `'(aws s3 ls "s3://$BUCKET/$SUB_DIR/metadata/" --no-sign-request ||:) | sed -ne "s#.* \\(.*\\)#metadata/\\1#p"'`,
      `'aws s3 mv "s3://$BUCKET/$SUB_DIR/metadata/$FILE_NAME" "s3://$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME" --no-progress'`,
    ),
  ),
  'aws s3 at another endpoint': inherited(
    usual(
      'gzip -c | aws s3 cp --endpoint-url "$ENDPOINT" - "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE"',
      `'aws s3 cp --endpoint-url "$ENDPOINT" "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE" - | gzip -cd'`,
      `'(aws s3 ls --endpoint-url "$ENDPOINT" s3://$BUCKET/$SUB_DIR/metadata/ ||:) | sed -ne "s#.* \\(.*\\)#metadata/\\1#p"'`,
      `'aws s3 mv --endpoint-url "$ENDPOINT" s3://$BUCKET/$SUB_DIR/metadata/$FILE_NAME s3://$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME --no-progress'`,
    ),
  ),
  'aws s3 with its options first': inherited(`
  create_backup: 'echo "$BACKUP_NAME"'
  create_for_write: |
    FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    gzip -c | aws --endpoint-url="$ENDPOINT" s3 cp - "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE"
  open_for_read: 'aws --endpoint-url="$ENDPOINT" s3 cp "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE" - | gzip -cd'
  save_metadata_line: 'gzip -c | aws --endpoint-url="$ENDPOINT" s3 cp - "s3://$BUCKET/$SUB_DIR/metadata/$FILE_NAME"'
  list_metadata_files: '(aws --endpoint-url="$ENDPOINT" s3 ls s3://$BUCKET/$SUB_DIR/metadata/ ||:) | sed -ne "s#.* \\\\(.*\\\\)#metadata/\\\\1#p"'
  backup_metadata_file: 'aws --endpoint-url="$ENDPOINT" s3 mv s3://$BUCKET/$SUB_DIR/metadata/$FILE_NAME s3://$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME --no-progress'
`),
  gsutil: inherited(
    usual(
      'gzip -c | gsutil -q cp - "gs://$BUCKET/$SUB_DIR/$FILE_HANDLE" > /dev/null',
      `'gsutil -q cp "gs://$BUCKET/$SUB_DIR/$FILE_HANDLE" - | gzip -cd'`,
      `'(gsutil -q ls gs://$BUCKET/$SUB_DIR/metadata/ ||:) | sed -ne "s#gs://.*/metadata/#metadata/#p"'`,
      `'gsutil mv gs://$BUCKET/$SUB_DIR/metadata/$FILE_NAME gs://$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME'`,
    ),
  ),
  'gcloud storage with tries': inherited(
    usual(
      'gzip -c | gcloud storage cp - "gs://$BUCKET/$SUB_DIR/$FILE_HANDLE" > /dev/null',
      `|
    TEMP=$(mktemp)
    trap 'rm -f "$TEMP"' EXIT
    for try in {0..4}
    do
      if [ $try -gt 0 ]; then sleep \${try}0; fi
      gcloud storage cp \\
        "gs://$BUCKET/$SUB_DIR/$FILE_HANDLE" "$TEMP" 1>&2 && break
      if [ $try -eq 4 ]; then exit 1; fi
    done
    gzip -cd < $TEMP`,
      `'(gcloud storage ls gs://$BUCKET/$SUB_DIR/metadata/ ||:) | sed -ne "s#gs://.*/metadata/#metadata/#p"'`,
      `'gcloud storage mv gs://$BUCKET/$SUB_DIR/metadata/$FILE_NAME gs://$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME'`,
    ),
  ),
  s5cmd: inherited(
    usual(
      'gzip -c | s5cmd pipe "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE"',
      `'s5cmd --no-sign-request cat "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE" | gzip -cd'`,
      `'(s5cmd --no-sign-request ls s3://$BUCKET/$SUB_DIR/metadata/ ||:) | sed -ne "s#.* \\(.*\\)#metadata/\\1#p"'`,
      `'s5cmd --no-sign-request mv s3://$BUCKET/$SUB_DIR/metadata/$FILE_NAME s3://$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME'`,
    ),
  ),
  azcopy: AZCOPY,
  'azcopy without gzip': AZCOPY.replaceAll('gzip -c | ', '').replaceAll(' | gzip -cd', ''),
  'curl and python': inherited(
    usual(
      'gzip -c | curl -s -X PUT --data-binary "@-" "$ENDPOINT/$BUCKET/$SUB_DIR/$FILE_HANDLE"',
      `'curl -s "$ENDPOINT/$BUCKET/$SUB_DIR/$FILE_HANDLE" | gzip -cd'`,
      `|
    curl -s "$ENDPOINT/$BUCKET?prefix=/$SUB_DIR/metadata/" \\
    | python3 -c 'import json, sys; print("\\n".join("/".join(o["name"].split("/")[2:]) for o in json.loads(sys.stdin.read()).get("objects", [])), end="")'`,
      `|
    curl -sSL "$ENDPOINT/$BUCKET/$SUB_DIR/metadata/$FILE_NAME" | curl -s -X POST -d @- "$ENDPOINT/$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME" && curl -X DELETE "$ENDPOINT/$BUCKET/$SUB_DIR/metadata/$FILE_NAME"`,
    ),
  ),
  rclone: inherited(
    usual(
      'rclone rcat "remote:$BUCKET/$SUB_DIR/$FILE_HANDLE"',
      `'rclone cat "remote:$BUCKET/$SUB_DIR/$FILE_HANDLE"'`,
      `'rclone ls remote:$BUCKET/$SUB_DIR/metadata/ | sed "s#^ *[0-9]* #metadata/#"'`,
      `'rclone moveto remote:$BUCKET/$SUB_DIR/metadata/$FILE_NAME remote:$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME'`,
    ),
  ),
  'a folder whose files are never written over': inherited(`
  create_backup: 'cd "$STORE" && mkdir $BACKUP_NAME && echo $BACKUP_NAME'
  create_for_write: 'cd "$STORE" && cd "$BACKUP_HANDLE" && test ! -f $FILE_NAME && touch $FILE_NAME && echo $BACKUP_HANDLE/$FILE_NAME && exec >&- && gzip -c > $FILE_NAME'
  open_for_read: 'cat "$STORE/$FILE_HANDLE" | gzip -cd'
  save_metadata_line: 'cd "$STORE" && mkdir -p metadata && cd metadata && gzip -c > $FILE_NAME'
  list_metadata_files: 'cd "$STORE" && (test -d metadata && cd metadata && ls -1 || exec) | while read f; do echo metadata/$f; done'
  backup_metadata_file: 'cd "$STORE" && mkdir -p metadata_backup && mv metadata/$FILE_NAME metadata_backup/'
`),
  'files with gzip that do not close stdout': inherited(`
  create_backup: 'cd "$STORE" && mkdir $BACKUP_NAME && echo $BACKUP_NAME'
  create_for_write: |
    echo "$BACKUP_HANDLE/$FILE_NAME"
    gzip -c > "$STORE/$BACKUP_HANDLE/$FILE_NAME"
  open_for_read: 'cat "$STORE/$FILE_HANDLE" | gzip -cd'
  save_metadata_line: 'cd "$STORE" && mkdir -p metadata && cd metadata && gzip -c > $FILE_NAME'
  list_metadata_files: 'cd "$STORE" && (test -d metadata && cd metadata && ls -1 || exec) | while read f; do echo metadata/$f; done'
  backup_metadata_file: 'cd "$STORE" && mkdir -p metadata_backup && mv metadata/$FILE_NAME metadata_backup/'
`),
};
