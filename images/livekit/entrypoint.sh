#!/bin/sh
# Writes LiveKit's configuration from the environment and from mounted files, then runs livekit-server and drains it.
#
#   env    NODE_NAME HOST_IP                                required
#          SFU_PORT (7880) SFU_TCP_PORT (7881) SFU_METRICS_PORT (6789)
#          SFU_MEDIA_MIN (40000) SFU_MEDIA_MAX (49151)      UDP ports for media
#          SFU_REGION                                       region of this node
#          SFU_DRAIN_SECONDS (14400)                        how long rooms may go on after SIGTERM
#          SFU_LOG_LEVEL (info)
#   files  $PARLEY_ETC/secrets/livekit/keys                 `<key>: <secret>` a line, tokens of all are accepted
#          $PARLEY_ETC/secrets/redis/url                    redis[s]://user:password@host:port/db
#          $PARLEY_ETC/sfu/addresses.json                   {"<node>": "<external ip>"}
#
# PARLEY_ETC (default /etc/parley) and PARLEY_RUN (default /run/livekit) move the paths in tests.
set -eu
umask 077

etc=${PARLEY_ETC:-/etc/parley}
run=${PARLEY_RUN:-/run/livekit}
wait_seconds=${PARLEY_WAIT_SECONDS:-1}
poll_seconds=${PARLEY_POLL_SECONDS:-10}
conf=$run/livekit.yaml
# Process 1 of a container ignores what it does not trap.
trap 'exit 143' TERM INT

program=parley-livekit
. "$(dirname "$0")/common.sh"

# Says once what is waited for, and waits a little.
waiting() {
  [ "$*" = "${waited_for:-}" ] || say "waiting: $*"
  waited_for=$*
  sleep "$wait_seconds"
}

required NODE_NAME HOST_IP
plain NODE_NAME HOST_IP SFU_REGION SFU_LOG_LEVEL
port=$(number SFU_PORT 7880)
tcp_port=$(number SFU_TCP_PORT 7881)
metrics_port=$(number SFU_METRICS_PORT 6789)
media_min=$(number SFU_MEDIA_MIN 40000)
media_max=$(number SFU_MEDIA_MAX 49151)
drain_seconds=$(number SFU_DRAIN_SECONDS 14400)
[ "$media_min" -le "$media_max" ] || fail "SFU_MEDIA_MIN ($media_min) is above SFU_MEDIA_MAX ($media_max)"

addresses=$etc/sfu/addresses.json
external=$(external_address "$addresses")
while [ -z "$external" ]; do
  waiting "node $NODE_NAME has no external address in $addresses yet"
  external=$(external_address "$addresses")
done

keys=$etc/secrets/livekit/keys
[ -s "$keys" ] || fail "$keys is missing or empty; mount the LiveKit keys there"
awk '!/^[A-Za-z0-9_-]+: [^ ]+$/ && NF { bad = 1 } END { exit bad }' "$keys" ||
  fail "$keys has a line that is not '<key>: <secret>'"
redis_url=$etc/secrets/redis/url
[ -s "$redis_url" ] || fail "$redis_url is missing or empty; mount the Redis secret there"

# Prints the URL's parts as LiveKit's configuration has them; with `address`, host and port alone.
redis_settings() { # [address]
  perl -we '
    use strict;
    my $only = shift // "";
    local $/;
    my $url = <STDIN>;
    my ($tls, $user, $password, $host, $port, $db) =
      $url =~ m{^redis(s?)://(?:([^:@/]*)(?::([^@/]*))?@)?(\[[^\]]+\]|[^:/?\#\s]+)(?::(\d+))?(?:/(\d+))?/?\s*$}
      or exit 1;
    $port //= 6379;
    if ($only) { print "$host:$port\n"; exit }
    my $text = sub {
      my $value = shift;
      $value =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
      $value =~ s/([\\"])/\\$1/g;
      $value =~ s/([\x00-\x1f\x7f])/sprintf "\\x%02x", ord $1/ge;
      return "\"$value\"";
    };
    print "redis:\n  address: \"$host:$port\"\n";
    print "  username: ", $text->($user), "\n" if defined $user && $user ne "";
    print "  password: ", $text->($password), "\n" if defined $password && $password ne "";
    print "  db: $db\n" if $db;
    print "  tls:\n    enabled: true\n    insecure: false\n" if $tls;
  ' "$@" <"$redis_url"
}
redis=$(redis_settings address) || fail "$redis_url is no address of Redis; write redis://:password@host:6379/0"

# LiveKit ends when it cannot reach Redis at its start.
until perl -MIO::Socket::IP -we '
  my ($host, $port) = $ARGV[0] =~ /^\[?(.*?)\]?:(\d+)$/;
  $SIG{ALRM} = sub { exit 1 };
  alarm 3;
  exit !IO::Socket::IP->new(PeerHost => $host, PeerPort => $port)' "$redis"; do
  waiting "Redis at $redis does not answer yet"
done

mkdir -p "$run" || fail "cannot write to $run; mount an emptyDir there"
# A copy, since LiveKit refuses a key file that others might read, whoever they are.
cp "$keys" "$run/keys"
chmod 0600 "$run/keys"

case $HOST_IP in *:*) bits=128 ;; *) bits=32 ;; esac
{
  cat <<EOF
port: $port
bind_addresses: ["$HOST_IP"]
prometheus:
  port: $metrics_port
key_file: "$run/keys"
rtc:
  # Each candidate of this one address is told to clients as the external one.
  node_ip: "$external"
  use_external_ip: false
  ips:
    includes: ["$HOST_IP/$bits"]
  port_range_start: $media_min
  port_range_end: $media_max
  tcp_port: $tcp_port
room:
  # Who may join which room is said in the token.
  auto_create: true
  empty_timeout: 60
  departure_timeout: 20
# A picture that came again after a pause is taken for one that stays after this many times half a second, and not, as by
# default, after 10 s for the two larger ones: so long everybody would see the smallest of who was cut for a second. The
# largest comes first, so that there is no smaller one in between.
video:
  stream_tracker_manager:
    video:
      packet_tracker:
        1: { samples_required: 5, cycles_required: 3, cycle_duration: 500ms }
        2: { samples_required: 5, cycles_required: 2, cycle_duration: 500ms }
# A new room goes to the pod that forwards least, of two taken at random: pods are counted every 2 s only, and
# all rooms of one moment should not go to one of them. No CPU limit: what LiveKit reads is that of the node.
node_selector:
  kind: any
  sort_by: tracks
  algorithm: twochoice
# No limit of tracks or bytes: LiveKit would turn away those who join a room that is already there.
limit:
  max_room_name_length: 160
  max_participant_identity_length: 64
  max_metadata_size: 16384
  max_attributes_size: 16384
# So long may Redis be away with no one's signaling broken off.
signal_relay:
  retry_timeout: 60s
logging:
  json: true
  level: ${SFU_LOG_LEVEL:-info}
EOF
  [ -z "${SFU_REGION:-}" ] || echo "region: \"$SFU_REGION\""
  redis_settings
} >"$conf.new"
mv "$conf.new" "$conf"

say "starting: $HOST_IP:$port, media ports $media_min-$media_max, external address $external, Redis $redis"
livekit-server --config "$conf" &
server=$!

# The first SIGTERM makes LiveKit take no new room and end when the last participant has left; the second
# makes it tell those who are still there to go elsewhere.
timer=
drain() {
  kill -TERM "$server" 2>/dev/null || true
  [ -z "$timer" ] || return 0
  say "draining: rooms may go on for $drain_seconds s"
  (
    nap=
    trap 'kill $nap 2>/dev/null; exit 0' TERM
    left=$drain_seconds
    while [ "$left" -gt 0 ]; do
      pause=$((left < poll_seconds ? left : poll_seconds))
      sleep "$pause" &
      nap=$!
      wait "$nap"
      left=$((left - pause))
      # LiveKit 1.13 misses a signal that comes while it is about to serve, and would stay for nobody.
      if sfu-check empty; then break; fi
    done
    [ "$left" -gt 0 ] || say "the time to drain is over: closing the rooms that are left"
    kill -TERM "$server"
  ) &
  timer=$!
}
trap drain TERM INT QUIT

status=0
while :; do
  wait "$server" && status=0 || status=$?
  # A signal interrupts the wait.
  kill -0 "$server" 2>/dev/null || break
done
[ -z "$timer" ] || kill "$timer" 2>/dev/null || true
exit "$status"
