#!/bin/sh
# Writes turnserver.conf from the environment and from mounted files, then becomes turnserver.
#
#   env    POD_NAME NODE_NAME HOST_IP CLUSTER_NAME          required
#          REDIS_HOST REDIS_PORT                            statsdb; empty host: relayed traffic is not metered
#          TURN_LISTEN_PORT TURN_RELAY_MIN TURN_RELAY_MAX TURN_USER_QUOTA TURN_MAX_BPS
#   files  $PARLEY_ETC/secrets/turn/secrets                 one shared secret a line, all are accepted
#          $PARLEY_ETC/secrets/redis/password
#          $PARLEY_ETC/turn/addresses.json                  {"<node>": "<external ip>"}
#          $PARLEY_ETC/turn/denied-peers, allowed-peers     one IP, IP-IP or CIDR a line, # comments
#
# PARLEY_ETC (default /etc/parley) and PARLEY_RUN (default /run/coturn) move the paths in tests.
set -eu
umask 077

etc=${PARLEY_ETC:-/etc/parley}
run=${PARLEY_RUN:-/run/coturn}
wait_seconds=${PARLEY_WAIT_SECONDS:-5}
conf=$run/turnserver.conf

say() { printf '%s parley-coturn: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%S+0000)" "$*"; }
fail() { say "error: $*" >&2; exit 1; }

for name in POD_NAME NODE_NAME HOST_IP CLUSTER_NAME; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || fail "$name is not set; the operator takes it from the pod's own fields"
  case $value in *[!A-Za-z0-9_.:-]*) fail "$name holds a character that no name or address has" ;; esac
done

number() { # NAME default
  eval "value=\${$1:-$2}"
  case $value in '' | *[!0-9]*) fail "$1 must be a whole number, not '$value'" ;; esac
  printf '%s' "$value"
}
listen_port=$(number TURN_LISTEN_PORT 3478)
relay_min=$(number TURN_RELAY_MIN 49152)
relay_max=$(number TURN_RELAY_MAX 65535)
user_quota=$(number TURN_USER_QUOTA 0)
max_bps=$(number TURN_MAX_BPS 0)
redis_port=$(number REDIS_PORT 6379)
[ "$relay_min" -le "$relay_max" ] || fail "TURN_RELAY_MIN ($relay_min) is above TURN_RELAY_MAX ($relay_max)"

# The external address of this node. A flat object of strings without escapes, so that splitting on the
# quotes is a parser: fields 2, 6, 10, … are names and 4, 8, 12, … their values.
external_address() {
  [ -r "$etc/turn/addresses.json" ] || return 0
  tr -d '\n' <"$etc/turn/addresses.json" |
    awk -F '"' -v node="$NODE_NAME" '{ for (i = 2; i + 2 <= NF; i += 4) if ($i == node) { print $(i + 2); exit } }' |
    grep -E '^[0-9a-fA-F.:]+$' || true
}
external=$(external_address)
while [ -z "$external" ]; do
  say "waiting: node $NODE_NAME has no external address in $etc/turn/addresses.json yet"
  sleep "$wait_seconds"
  external=$(external_address)
done

[ -s "$etc/secrets/turn/secrets" ] || fail "$etc/secrets/turn/secrets is missing or empty; mount the TURN secret there"

# coturn looks the Redis name up once, when it starts, and again after a lost connection; when that look-up
# fails it never tries again (seen with 4.6.1), and what it relays from then on is not metered. An address
# that merely refuses is tried again every 5 s. So the name is resolved here, and coturn gets an address:
# a Service keeps its ClusterIP as long as it exists.
redis_ip=
if [ -n "${REDIS_HOST:-}" ]; then
  while :; do
    redis_ip=$(getent ahosts "$REDIS_HOST" | awk '$2 == "STREAM" { print $1; exit }' || true)
    [ -n "$redis_ip" ] && break
    say "waiting: the Redis host $REDIS_HOST does not resolve yet"
    sleep "$wait_seconds"
  done
else
  say "warning: REDIS_HOST is empty: what is relayed will not be metered"
fi

# coturn takes one address or "first-last"; CIDRs become the latter.
peer_ranges() { # option file
  [ -r "$2" ] || return 0
  awk -v option="$1" '
    function hex(digits,  i, n) {
      n = 0
      for (i = 1; i <= length(digits); i++) n = n * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
      return n
    }
    function v4(cidr, bits,  b, n, size) {
      split(cidr, b, ".")
      n = ((b[1] * 256 + b[2]) * 256 + b[3]) * 256 + b[4]
      size = 2 ^ (32 - bits)
      n -= n % size
      return quad(n) "-" quad(n + size - 1)
    }
    function quad(n) {
      return int(n / 16777216) "." int(n / 65536) % 256 "." int(n / 256) % 256 "." n % 256
    }
    function v6(address, bits,  halves, left, right, nl, nr, g, i, keep, span, lo, hi) {
      if (split(address, halves, "::") == 2) {
        nl = halves[1] == "" ? 0 : split(halves[1], left, ":")
        nr = halves[2] == "" ? 0 : split(halves[2], right, ":")
      } else { nl = split(address, left, ":"); nr = 0 }
      for (i = 1; i <= 8; i++) g[i] = 0
      for (i = 1; i <= nl; i++) g[i] = hex(left[i])
      for (i = 1; i <= nr; i++) g[8 - nr + i] = hex(right[i])
      for (i = 1; i <= 8; i++) {
        keep = bits - (i - 1) * 16
        keep = keep < 0 ? 0 : keep > 16 ? 16 : keep
        span = 2 ^ (16 - keep)
        g[i] -= g[i] % span
        lo = lo (i > 1 ? ":" : "") sprintf("%x", g[i])
        hi = hi (i > 1 ? ":" : "") sprintf("%x", g[i] + span - 1)
      }
      return lo "-" hi
    }
    { sub(/#.*/, ""); gsub(/[ \t\r]/, "") }
    $0 == "" { next }
    /[^0-9a-fA-F.:\/-]/ { print "line " NR ": not an address range" > "/dev/stderr"; bad = 1; next }
    /\// {
      split(tolower($0), part, "/")
      print option "=" (index(part[1], ":") ? v6(part[1], part[2]) : v4(part[1], part[2]))
      next
    }
    { print option "=" $0 }
    END { exit bad }
  ' "$2" || fail "$2 has a line that is neither an IP, IP-IP nor a CIDR"
}

mkdir -p "$run" || fail "cannot write to $run; mount an emptyDir there"
{
  cat <<EOF
listening-ip=$HOST_IP
listening-port=$listen_port
relay-ip=$HOST_IP
min-port=$relay_min
max-port=$relay_max
realm=$POD_NAME.$CLUSTER_NAME
server-name=$POD_NAME.$CLUSTER_NAME
use-auth-secret
fingerprint
stale-nonce=600
no-tls
no-dtls
no-cli
no-rfc5780
no-multicast-peers
no-tcp-relay
no-software-attribute
no-auth-pings
no-dynamic-ip-list
no-dynamic-realms
userdb=/var/lib/turn/turndb
pidfile=$run/turnserver.pid
log-file=stdout
simple-log
new-log-timestamp
EOF
  [ "$external" = "$HOST_IP" ] || echo "external-ip=$external/$HOST_IP"
  [ "$user_quota" -eq 0 ] || echo "user-quota=$user_quota"
  [ "$max_bps" -eq 0 ] || echo "max-bps=$max_bps"
  awk '{ gsub(/[ \t\r]/, "") } $0 != "" { print "static-auth-secret=" $0 }' "$etc/secrets/turn/secrets"
  peer_ranges denied-peer-ip "$etc/turn/denied-peers"
  peer_ranges allowed-peer-ip "$etc/turn/allowed-peers"
  if [ -n "$redis_ip" ]; then
    password=
    [ ! -s "$etc/secrets/redis/password" ] ||
      password=" password=$(tr -d '[:space:]' <"$etc/secrets/redis/password")"
    echo "redis-statsdb=\"ip=$redis_ip port=$redis_port dbname=0$password connect_timeout=5\""
  fi
} >"$conf.new"
mv "$conf.new" "$conf"

# coturn 4.6.1 logs its Redis connection string with the password, and prints to stdout whatever the
# configuration says, so its output goes through a filter. exec keeps turnserver process 1, so signals reach it.
rm -f "$run/log"
mkfifo "$run/log"
sed -u -E 's/(password=)[^ ]*/\1***/; s/(static-auth-secret=).*/\1***/' <"$run/log" &

say "starting: $HOST_IP:$listen_port, relay ports $relay_min-$relay_max, external address $external, statsdb ${redis_ip:-none}"
exec turnserver -c "$conf" >"$run/log" 2>&1
