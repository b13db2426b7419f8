#!/bin/sh
# Writes redis.conf with the mounted password, then becomes redis-server.
#
#   env    REDIS_PORT (6379), REDIS_BIND (addresses to listen on; default all), REDIS_APPENDONLY (yes|no, default yes), REDIS_MAXMEMORY (for example 200mb; default no limit)
#   files  $PARLEY_ETC/secrets/redis/password
#
# PARLEY_ETC (default /etc/parley), PARLEY_RUN (default /run/redis) and PARLEY_DATA (default /data) move the paths in tests.
set -eu
umask 077

etc=${PARLEY_ETC:-/etc/parley}
run=${PARLEY_RUN:-/run/redis}
data=${PARLEY_DATA:-/data}
conf=$run/redis.conf

fail() { echo "parley-redis: error: $*" >&2; exit 1; }

[ -s "$etc/secrets/redis/password" ] || fail "$etc/secrets/redis/password is missing or empty; mount the Redis secret there"
password=$(tr -d '[:space:]' <"$etc/secrets/redis/password")
case $password in *[\"\\]*) fail "the Redis password holds a quote or a backslash; generate one of letters and digits" ;; esac

mkdir -p "$run" || fail "cannot write to $run; mount an emptyDir there"
[ -w "$data" ] || fail "cannot write to $data; mount a volume there (fsGroup 65532)"

# pub/sub carries coturn's accounting and has no replay, so a meter that is briefly slow gets room before it is cut off.
cat >"$conf" <<EOF
bind ${REDIS_BIND:-* -::*}
port ${REDIS_PORT:-6379}
protected-mode yes
requirepass "$password"
dir $data
daemonize no
logfile ""
save ""
appendonly ${REDIS_APPENDONLY:-yes}
appendfsync everysec
tcp-keepalive 60
client-output-buffer-limit pubsub 64mb 32mb 60
maxmemory ${REDIS_MAXMEMORY:-0}
maxmemory-policy noeviction
EOF

exec redis-server "$conf"
