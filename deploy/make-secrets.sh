#!/bin/sh
# Makes the secrets of docker-compose.yml: files in secrets/ beside it. What is there stays.
set -eu
cd "$(dirname "$0")/.."

random() {
  head -c 32 /dev/urandom | base64 | tr -d '/+=\n'
}

# Each container runs as another user and reads its files; on this host, only the owner may look into the folder.
make() {
  if [ ! -e "secrets/$1" ]; then
    cat >"secrets/$1"
    chmod 444 "secrets/$1"
  fi
}

mkdir -p secrets
chmod 700 secrets
random | make postgres_password
random | make grafana_password
printf '[default]\naws_access_key_id = aptos-backup\naws_secret_access_key = %s\n' "$(random)" | make s3_credentials
# Whoever has it may pause, resume and retry on the page of the coordinator.
random | make page_token
# For the URL of a webhook, if you have one.
printf 'https://example.com/write-your-own-URL-here\n' | make notify_webhook
