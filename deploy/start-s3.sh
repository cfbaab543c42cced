#!/bin/sh
# Starts SeaweedFS with the bucket S3_BUCKET, which opens to the keys of the profile in S3_CREDENTIALS_FILE.
# Arguments are further flags of `weed mini`.
set -eu

key() {
  sed -n "s/^ *$1 *= *//p" "$S3_CREDENTIALS_FILE"
}
AWS_ACCESS_KEY_ID=$(key aws_access_key_id)
AWS_SECRET_ACCESS_KEY=$(key aws_secret_access_key)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
exec weed mini -s3.port=8333 -s3.autoCreateBucket=false -s3.port.iceberg=0 -s3.port.lance=0 \
  -admin.ui=false -webdav=false -master.telemetry=false "$@"
