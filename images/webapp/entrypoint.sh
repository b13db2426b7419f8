#!/bin/sh
# Writes nginx.conf from the template, then becomes nginx. `parley-webapp check` asks a running one for its health.
#
#   env  SIGNALING_UPSTREAM  host:port of signaling (required)
#        SFU_UPSTREAM        host:port of the SFU; empty: there is none
#        PAGE_CONNECT        origins that the page may connect to besides its own, between spaces
#        HSTS_SECONDS        how long browsers are to come over TLS only, once they did: 31536000; 0: they are not told to
#        PORT                8080
#
# PARLEY_WEBAPP_ETC, PARLEY_WEBAPP_ROOT and TMPDIR move the paths in tests.
set -eu

port=${PORT:-8080}
if [ "${1:-}" = check ]; then
  exec perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 2) or exit 1;
    print $s "GET /healthz HTTP/1.0\r\n\r\n"; exit(<$s> =~ / 200 / ? 0 : 1)' "$port"
fi

etc=${PARLEY_WEBAPP_ETC:-/etc/parley-webapp}
root=${PARLEY_WEBAPP_ROOT:-/srv/webapp}
tmp=${TMPDIR:-/tmp}/nginx
resolv=${PARLEY_RESOLV_CONF:-/etc/resolv.conf}

fail() { echo "parley-webapp: error: $*" >&2; exit 1; }

[ -n "${SIGNALING_UPSTREAM:-}" ] || fail 'SIGNALING_UPSTREAM is not set; give signaling as host:port'

# nginx asks the name server itself and again and again (a Service may be made anew while nginx runs),
# but knows no search domains: they are applied here, the way Kubernetes sets them in a pod.
search=$(awk '$1 == "search" { print $2; exit }' "$resolv")
zone=$(awk '$1 == "search" { for (i = 2; i <= NF; i++) if (sub(/^svc\./, "", $i)) { print $i; exit } }' "$resolv")
full_name() { # NAME host:port
  case $2 in *[!A-Za-z0-9.:_-]*) fail "$1 is not host:port: $2" ;; esac
  host=${2%%:*}
  port_part=${2#"$host"}
  case $host in
    localhost) host=127.0.0.1 ;;
    *[!0-9.]*)
      case $host in
        *.svc) [ -z "$zone" ] || host=$host.$zone ;;
        *.*.*) ;;
        *.*) [ -z "$zone" ] || host=$host.svc.$zone ;;
        *) [ -z "$search" ] || host=$host.$search ;;
      esac
      ;;
  esac
  printf '%s' "$host${port_part:-:80}"
}
signaling=$(full_name SIGNALING_UPSTREAM "$SIGNALING_UPSTREAM")
sfu=
[ -z "${SFU_UPSTREAM:-}" ] || sfu=$(full_name SFU_UPSTREAM "$SFU_UPSTREAM")
connect=${PAGE_CONNECT:+ $PAGE_CONNECT}
case $connect in *[!A-Za-z0-9.:/_\ \[\]-]*) fail "PAGE_CONNECT is no list of origins: $connect" ;; esac
hsts=${HSTS_SECONDS:-31536000}
case $hsts in *[!0-9]*) fail "HSTS_SECONDS is no number: $hsts" ;; esac
resolvers=$(awk '$1 == "nameserver" { printf "%s ", $2 ~ /:/ ? "[" $2 "]" : $2 }' "$resolv")

mkdir -p "$tmp" || fail "cannot write to ${TMPDIR:-/tmp}; mount an emptyDir there"
sed -e "s|@PORT@|$port|g" \
    -e "s|@HSTS@|$hsts|g" \
    -e "s|@SIGNALING@|$signaling|g" \
    -e "s|@SFU@|$sfu|g" \
    -e "s|@RESOLVERS@|${resolvers:-127.0.0.1 }|g" \
    -e "s|@ROOT@|$root|g" -e "s|@TMP@|$tmp|g" \
    "$etc/nginx.conf.template" >"$tmp/nginx.conf"
sed "s|@CONNECT@|$connect|g" "$etc/headers.conf" >"$tmp/headers.conf"
exec nginx -e stderr -c "$tmp/nginx.conf"
