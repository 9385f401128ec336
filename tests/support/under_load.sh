#!/usr/bin/env bash
# Runs a command beside COUNT programs that only compute, ends these with it, and exits with its status.
#
#   under_load.sh COUNT COMMAND [ARG...]
set -u
load=()
end_load() {
  kill "${load[@]}"
  wait "${load[@]}"
}
trap end_load EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
for ((i = 0; i < $1; i++)); do
  # Should this shell be killed, the load ends within a moment; and in a day at the latest.
  timeout 24h bash -c 'while kill -0 "$1" 2>/dev/null; do for ((i = 0; i < 100000; i++)); do :; done; done' under_load "$$" &
  load+=("$!")
done
"${@:2}" &
command=$!
wait "$command"
