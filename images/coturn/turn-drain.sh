#!/bin/sh
# Waits until turnserver holds no allocation, or TURN_DRAIN_SECONDS are over: the hook before a pod is stopped.
# By then the pod is in no TURN URL any more. A turnserver that knows how (4.6.3 and newer) is told to refuse new
# allocations; an older one would end on that signal, so whether it listens to it decides.
run=${PARLEY_RUN:-/run/coturn}
limit=${TURN_DRAIN_SECONDS:-3600}
# Somebody who was given this pod's URL a moment ago may come yet.
quiet_seconds=${PARLEY_QUIET_SECONDS:-5}
poll_seconds=${PARLEY_POLL_SECONDS:-1}
here=$(dirname "$0")

pid=$(cat "$run/server.pid" 2>/dev/null) || exit 0
alive() { kill -0 "$pid" 2>/dev/null; }
# Into the container's log; the reader of this pipe lives as long as turnserver.
say() { alive && printf '%s turn-drain: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%S+0000)" "$*" >"$run/log"; }

alive || exit 0
: >"$run/draining"
# Bit 9 of the mask of signals with a handler is SIGUSR1.
case $(awk '/^SigCgt:/ { print substr($2, length($2) - 2, 1) }' "/proc/$pid/status") in
  [2367abefABEF]) kill -USR1 "$pid" && refusing=', new ones are refused' ;;
esac

began=$(date +%s)
free_since=
told=
while alive; do
  now=$(date +%s)
  waited=$((now - began))
  count=$("$here/turn-allocations")
  if [ "$count" -gt 0 ]; then
    free_since=
  else
    : "${free_since:=$now}"
    if [ $((now - free_since)) -ge "$quiet_seconds" ]; then
      say "done after $waited s: no allocation is left"
      exit 0
    fi
  fi
  if [ "$waited" -ge "$limit" ]; then
    say "giving up after $waited s; allocations that end: $count"
    exit 0
  fi
  if [ -z "$told" ] || [ $((now - told)) -ge 60 ]; then
    say "waiting since $waited s, for $limit s at most; allocations: $count${refusing:-}"
    told=$now
  fi
  sleep "$poll_seconds"
done
