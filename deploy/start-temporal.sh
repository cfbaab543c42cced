#!/bin/sh
# Starts the server of Temporal's image, which takes the password of its database only from the environment.
set -eu

POSTGRES_PWD=$(cat "$POSTGRES_PWD_FILE")
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
