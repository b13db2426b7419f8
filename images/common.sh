# Sourced by the entrypoints of coturn and LiveKit: how they speak, and read their environment and their node's
# address. It wants $program, as the log has it.

say() { printf '%s %s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%S+0000)" "$program" "$*"; }
fail() { say "error: $*" >&2; exit 1; }

required() { # NAME…
  for name; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || fail "$name is not set; the operator takes it from the pod's own fields"
  done
}

# What goes into a configuration as it is must be a name or an address, or empty.
plain() { # NAME…
  for name; do
    eval "value=\${$name:-}"
    case $value in *[!A-Za-z0-9_.:-]*) fail "$name holds a character that no name or address has" ;; esac
  done
}

number() { # NAME default
  eval "value=\${$1:-$2}"
  case $value in '' | *[!0-9]*) fail "$1 must be a whole number, not '$value'" ;; esac
  printf '%s' "$value"
}

# The external address of this node. A flat object of strings without escapes, so that splitting on the
# quotes is a parser: fields 2, 6, 10, … are names and 4, 8, 12, … their values.
external_address() { # file
  [ -r "$1" ] || return 0
  tr -d '\n' <"$1" |
    awk -F '"' -v node="$NODE_NAME" '{ for (i = 2; i + 2 <= NF; i += 4) if ($i == node) { print $(i + 2); exit } }' |
    grep -E '^[0-9a-fA-F.:]+$' || true
}
