#!/bin/sh
# Exit 0 when Redis answers an authenticated PING (not while it still loads its append-only file).
REDISCLI_AUTH=$(cat "${PARLEY_ETC:-/etc/parley}/secrets/redis/password") || exit 1
export REDISCLI_AUTH
[ "$(timeout 2 redis-cli -p "${REDIS_PORT:-6379}" ping)" = PONG ]
