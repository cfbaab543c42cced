#!/bin/sh
# Makes the namespace, or gives the one that is there its retention. TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are read by
# the CLI.
set -eu

if temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  # A server knows a new namespace only after some seconds.
  tries=1
  until temporal operator namespace update -n "$TEMPORAL_NAMESPACE" --retention "$RETENTION"; do
    [ "$tries" -lt 20 ] || exit 1
    tries=$((tries + 1))
    sleep 3
  done
else
  temporal operator namespace create -n "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi
