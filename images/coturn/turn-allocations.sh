#!/bin/sh
# Prints how many allocations turnserver holds: its UDP sockets in the range of relay ports, one for each. On the
# host network /proc/net lists everybody's, so those are counted that are among its open files.
run=${PARLEY_RUN:-/run/coturn}
pid=$(cat "$run/server.pid" 2>/dev/null) || { echo 0; exit 0; }
{
  ls -l "/proc/$pid/fd" 2>/dev/null
  cat "/proc/$pid/net/udp" "/proc/$pid/net/udp6" 2>/dev/null
} | awk -v min="${TURN_RELAY_MIN:-49152}" -v max="${TURN_RELAY_MAX:-65535}" '
  function hex(digits,  i, n) {
    n = 0
    for (i = 1; i <= length(digits); i++) n = n * 16 + index("0123456789ABCDEF", substr(digits, i, 1)) - 1
    return n
  }
  # lrwx------ … 7 -> socket:[4711]
  $NF ~ /^socket:\[[0-9]+\]$/ { own[substr($NF, 9, length($NF) - 9)] = 1; next }
  # sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
  $1 ~ /^[0-9]+:$/ && ($10 in own) {
    port = hex(substr($2, index($2, ":") + 1))
    if (port >= min && port <= max) count++
  }
  END { print count + 0 }
'
