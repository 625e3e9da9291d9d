#!/bin/sh
# Valkey with a password that comes by standard input: on its command line whoever lists processes would read it.
set -eu
exec valkey-server "$@" - <<CONFIG
requirepass ${REDIS_PASSWORD:?set it in .env}
CONFIG
