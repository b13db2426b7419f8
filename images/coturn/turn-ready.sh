#!/bin/sh
# Exit 0 when turnserver answers a STUN binding request on its listening address.
timeout 2 turnutils_stunclient -p "${TURN_LISTEN_PORT:-3478}" "${HOST_IP:-127.0.0.1}" 2>&1 | grep -q 'reflexive addr'
