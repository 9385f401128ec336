#!/usr/bin/env bash
# A picture a minute as a file that any other program may read at any time: it is always whole. The camera is open only
# while the picture is taken.
#
#   snapshot-every-minute.sh [CAMERA] [FILE] [SECONDS]
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
camera=${1:-auto} file=${2:-now.jpg} seconds=${3:-60}

end() {
  mapfile -t running < <(jobs -p)
  kill "${running[@]}" 2>/dev/null || :
  wait
  rm -f "$file.new"
}
trap end EXIT
trap 'exit 0' INT TERM HUP

while true; do
  if camgrab "$camera" -n 1 --quiet | camenc -q 90 --output-format jpeg --quiet >"$file.new"; then
    mv "$file.new" "$file"
  fi
  sleep "$seconds" & # a signal ends a wait at once
  wait $!
done
