#!/bin/sh
# Answers --version like the Temporal CLI, but its server ends at once.
if [ "$1" = --version ]; then
  echo 'temporal version 0.0.0'
  exit 0
fi
echo 'this server is broken'
exit 1
