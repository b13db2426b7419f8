#!/bin/sh
# Writes turnserver.conf from the environment and from mounted files, runs turnserver, and keeps what may
# change while it runs as the mounted files say: secrets and peers go into the database that turnserver
# reads again, a renewed certificate is reloaded. Nothing of that ends an allocation.
#
#   env    POD_NAME NODE_NAME HOST_IP CLUSTER_NAME          required
#          REDIS_HOST REDIS_PORT                            statsdb; empty host: relayed traffic is not metered
#          TURN_LISTEN_PORT TURN_RELAY_MIN TURN_RELAY_MAX TURN_USER_QUOTA TURN_MAX_BPS
#          TURN_TLS_PORT                                    empty: no TURN over TLS
#          TURN_DRAIN_SECONDS                               how long turn-drain waits for allocations
#   files  $PARLEY_ETC/secrets/turn/secrets                 one shared secret a line, all are accepted
#          $PARLEY_ETC/secrets/redis/password, url          of the URL only the number of the database counts
#          $PARLEY_ETC/secrets/tls/tls.crt, tls.key
#          $PARLEY_ETC/turn/addresses.json                  {"<node>": "<external ip>"}
#          $PARLEY_ETC/turn/denied-peers                    one IP, IP-IP or CIDR a line, # comments; read once
#          $PARLEY_ETC/turn/more-denied-peers, allowed-peers     the same, followed
#
# PARLEY_ETC (default /etc/parley) and PARLEY_RUN (default /run/coturn) move the paths in tests.
set -eu
umask 077

etc=${PARLEY_ETC:-/etc/parley}
run=${PARLEY_RUN:-/run/coturn}
wait_seconds=${PARLEY_WAIT_SECONDS:-5}
poll_seconds=${PARLEY_POLL_SECONDS:-2}
conf=$run/turnserver.conf
database=$run/turndb
here=$(dirname "$0")
program=parley-coturn
. "$here/common.sh"

# As process 1 a shell is told of no signal that it has not asked for.
trap 'exit 0' TERM INT

required POD_NAME NODE_NAME HOST_IP CLUSTER_NAME
plain POD_NAME NODE_NAME HOST_IP CLUSTER_NAME
listen_port=$(number TURN_LISTEN_PORT 3478)
relay_min=$(number TURN_RELAY_MIN 49152)
relay_max=$(number TURN_RELAY_MAX 65535)
user_quota=$(number TURN_USER_QUOTA 0)
max_bps=$(number TURN_MAX_BPS 0)
redis_port=$(number REDIS_PORT 6379)
tls_port=$(number TURN_TLS_PORT 0)
drain_seconds=$(number TURN_DRAIN_SECONDS 3600)
[ "$relay_min" -le "$relay_max" ] || fail "TURN_RELAY_MIN ($relay_min) is above TURN_RELAY_MAX ($relay_max)"

addresses=$etc/turn/addresses.json
external=$(external_address "$addresses")
while [ -z "$external" ]; do
  say "waiting: node $NODE_NAME has no external address in $addresses yet"
  sleep "$wait_seconds"
  external=$(external_address "$addresses")
done

secrets=$etc/secrets/turn/secrets
[ -s "$secrets" ] || fail "$secrets is missing or empty; mount the TURN secret there"
[ "$tls_port" -eq 0 ] || [ "$tls_port" -ne "$listen_port" ] || fail "TURN_TLS_PORT and TURN_LISTEN_PORT are both $listen_port"

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

# The ranges of a file as coturn takes them: one address or "first-last"; CIDRs become the latter.
peer_ranges() { # file
  [ -r "$1" ] || return 0
  awk '
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
      # For coturn 4.6.1 a range that begins with :: holds every IPv4 address.
      sub(/^(0:)+0$/, "0:0:0:0:0:0:0:1", lo)
      return lo "-" hi
    }
    { sub(/#.*/, ""); gsub(/[ \t\r]/, "") }
    $0 == "" { next }
    /[^0-9a-fA-F.:\/-]/ { print FILENAME ": line " NR " is no address range" > "/dev/stderr"; bad = 1; next }
    /\// {
      split(tolower($0), part, "/")
      print index(part[1], ":") ? v6(part[1], part[2]) : v4(part[1], part[2])
      next
    }
    { print }
    END { exit bad }
  ' "$1"
}

# One transaction with all that may change while turnserver runs: it reads the secrets of its realm for each
# authentication and the peers every five seconds (a running allocation keeps the key that it began with).
# The write-ahead log lets it read while this writes; a database that is busy would read as one without peers.
realm=$POD_NAME.$CLUSTER_NAME
inserts() { # table realm; values on stdin
  awk -v table="$1" -v realm="$2" -v q="'" '
    { gsub(/[ \t\r]/, "") }
    $0 == "" { next }
    { gsub(q, q q); print "INSERT OR IGNORE INTO " table " VALUES (" q realm q ", " q $0 q ");" }
  '
}
# The secrets that were accepted last, as the file had them.
accepted=
# Somebody's accident, after which nobody could come in: a file of nothing but blanks, or one that is being
# written and ends within a secret that is accepted.
usable() { # text
  printf '%s' "$1" | grep -q '[^[:space:]]' || { say "error: $secrets is missing or blank" >&2; return 1; }
  ! printf '%s\n-\n%s\n' "$accepted" "$1" | awk '
    { gsub(/[ \t\r]/, "") }
    $0 == "-" { now = 1; next }
    !now { known[$0]; next }
    $0 != "" { last = $0 }
    END { for (secret in known) if (secret != last && index(secret, last) == 1) exit 0; exit 1 }
  ' || { say "error: $secrets ends within a secret: it is half written" >&2; return 1; }
}
fill_database() {
  wanted=$(cat "$secrets" 2>/dev/null) || wanted=
  usable "$wanted" || return 1
  allowed=$(peer_ranges "$etc/turn/allowed-peers") || return 1
  denied=$(peer_ranges "$etc/turn/more-denied-peers") || return 1
  statements=$(
    echo 'BEGIN IMMEDIATE;'
    echo 'DELETE FROM turn_secret; DELETE FROM allowed_peer_ip; DELETE FROM denied_peer_ip;'
    printf '%s\n' "$wanted" | inserts turn_secret "$realm"
    printf '%s\n' "$allowed" | inserts allowed_peer_ip ''
    printf '%s\n' "$denied" | inserts denied_peer_ip ''
    echo 'COMMIT;'
  )
  # printf is the shell's own, so no secret is in an argument list.
  printf '%s\n' "$statements" | sqlite3 -batch -bail "$database" || return 1
  accepted=$wanted
  say "secrets accepted: $(printf '%s\n' "$wanted" | grep -c '[^[:space:]]')," \
    "peers allowed: $(printf '%s' "$allowed" | grep -c .)," \
    "denied besides the built-in ones: $(printf '%s' "$denied" | grep -c .)"
}

# turnserver gets copies, so that both files are there whatever is mounted: without a certificate, or with a
# bad one, it serves no TLS and everything else, and a bad one does not replace a good one.
copy_certificate() {
  mkdir -p "$run/tls"
  for name in tls.crt tls.key; do
    if [ -s "$etc/secrets/tls/$name" ]; then
      cat "$etc/secrets/tls/$name" >"$run/tls/$name.new"
      mv "$run/tls/$name.new" "$run/tls/$name"
    else
      say "warning: $etc/secrets/tls/$name is missing: no TURN over TLS until it is there"
      [ -e "$run/tls/$name" ] || : >"$run/tls/$name"
    fi
  done
}

fingerprint() { # files
  cat "$@" 2>/dev/null | cksum
}
followed() {
  fingerprint "$secrets" "$etc/turn/allowed-peers" "$etc/turn/more-denied-peers"
}

mkdir -p "$run" || fail "cannot write to $run; mount an emptyDir there"
rm -f "$database" "$database-wal" "$database-shm" "$run/draining"
sqlite3 -batch -bail "$database" >"$run/sqlite.out" <<'EOF' || fail "cannot make $database"
PRAGMA journal_mode = WAL;
CREATE TABLE turnusers_lt (realm varchar(127) default '', name varchar(512), hmackey char(128), PRIMARY KEY (realm, name));
CREATE TABLE turn_secret (realm varchar(127) default '', value varchar(256), PRIMARY KEY (realm, value));
CREATE TABLE allowed_peer_ip (realm varchar(127) default '', ip_range varchar(256), PRIMARY KEY (realm, ip_range));
CREATE TABLE denied_peer_ip (realm varchar(127) default '', ip_range varchar(256), PRIMARY KEY (realm, ip_range));
EOF
always_denied=$(peer_ranges "$etc/turn/denied-peers") || fail "$etc/turn/denied-peers has a line that is neither an IP, IP-IP nor a CIDR"
seen=$(followed)
fill_database || fail "the peers or secrets above cannot be used"
{
  cat <<EOF
listening-ip=$HOST_IP
listening-port=$listen_port
relay-ip=$HOST_IP
min-port=$relay_min
max-port=$relay_max
realm=$realm
server-name=$realm
use-auth-secret
fingerprint
stale-nonce=600
no-dtls
no-cli
no-rfc5780
no-multicast-peers
no-tcp-relay
no-software-attribute
no-auth-pings
no-dynamic-realms
userdb=$database
pidfile=$run/turnserver.pid
log-file=stdout
simple-log
new-log-timestamp
EOF
  if [ "$tls_port" -eq 0 ]; then
    echo no-tls
  else
    printf '%s\n' "tls-listening-port=$tls_port" "cert=$run/tls/tls.crt" "pkey=$run/tls/tls.key" no-tlsv1 no-tlsv1_1
  fi
  [ "$external" = "$HOST_IP" ] || echo "external-ip=$external/$HOST_IP"
  [ "$user_quota" -eq 0 ] || echo "user-quota=$user_quota"
  [ "$max_bps" -eq 0 ] || echo "max-bps=$max_bps"
  printf '%s\n' "$always_denied" | sed -n 's/^./denied-peer-ip=&/p'
  if [ -n "$redis_ip" ]; then
    password=
    [ ! -s "$etc/secrets/redis/password" ] ||
      password=" password=$(tr -d '[:space:]' <"$etc/secrets/redis/password")"
    dbname=
    [ ! -s "$etc/secrets/redis/url" ] ||
      dbname=$(sed -nE '1s|^[a-z]+://[^/]*/([0-9]+).*|\1|p' "$etc/secrets/redis/url")
    echo "redis-statsdb=\"ip=$redis_ip port=$redis_port dbname=${dbname:-0}$password connect_timeout=5\""
  fi
} >"$conf.new"
mv "$conf.new" "$conf"
if [ "$tls_port" -gt 0 ]; then
  certificate=$(fingerprint "$etc/secrets/tls/tls.crt" "$etc/secrets/tls/tls.key")
  copy_certificate
fi

# coturn 4.6.1 logs its Redis connection string with the password, and prints to stdout whatever the
# configuration says, so its output goes through a filter. turn-drain writes there, too.
rm -f "$run/log"
mkfifo "$run/log"
exec 3<>"$run/log"
sed -u -E 's/(password=)[^ ]*/\1***/; s/(static-auth-secret=).*/\1***/' <"$run/log" 3>&- &
filter=$!

tls_text=
[ "$tls_port" -eq 0 ] || tls_text=", TLS on $tls_port"
say "starting: $HOST_IP:$listen_port$tls_text, relay ports $relay_min-$relay_max, external address $external, statsdb ${redis_ip:-none}"

# turnserver 4.6.1 has no handler for SIGTERM: as process 1 it would not end before it is killed.
turnserver -c "$conf" >"$run/log" 2>&1 3>&- &
server=$!
printf '%s\n' "$server" >"$run/server.pid"
stopping=
trap 'stopping=1; kill -TERM "$server" 2>/dev/null || true' TERM INT

# A changed address counts when turnserver starts. It starts anew when it relays nothing, or after as long as
# calls are waited for anywhere else; when the pod goes away anyway there is no need to.
moved_at=
restart_when_idle() {
  [ ! -e "$run/draining" ] || return 0
  now=$(date +%s)
  [ "$("$here/turn-allocations")" = 0 ] || [ $((now - moved_at)) -ge "$drain_seconds" ] || return 0
  say "starting anew for the external address $changed"
  stopping=1
  kill -TERM "$server" 2>/dev/null || true
}

addresses_seen=$(fingerprint "$addresses")
while kill -0 "$server" 2>/dev/null; do
  sleep "$poll_seconds" 3>&- &
  wait $! || true
  [ -z "$stopping" ] || break

  now_there=$(followed)
  if [ "$now_there" != "$seen" ]; then
    # Tried once for each change: what cannot be used does not get better by itself.
    fill_database || say "error: going on with the secrets and peers from before" >&2
    seen=$now_there
  fi
  if [ "$tls_port" -gt 0 ]; then
    now_there=$(fingerprint "$etc/secrets/tls/tls.crt" "$etc/secrets/tls/tls.key")
    if [ "$now_there" != "$certificate" ]; then
      say "reading the certificate again"
      copy_certificate
      kill -USR2 "$server" 2>/dev/null || true
      certificate=$now_there
    fi
  fi
  now_there=$(fingerprint "$addresses")
  if [ "$now_there" != "$addresses_seen" ]; then
    addresses_seen=$now_there
    changed=$(external_address "$addresses")
    if [ -z "$changed" ] || [ "$changed" = "$external" ]; then
      moved_at=
    else
      say "the external address is $changed now, and $external is what clients are told until no call needs it"
      moved_at=$(date +%s)
    fi
  fi
  [ -z "$moved_at" ] || restart_when_idle
done

code=0
wait "$server" || code=$?
exec 3>&-
wait "$filter" || true
[ -z "$stopping" ] || exit 0
say "error: turnserver ended by itself with code $code" >&2
exit "$code"
