#!/usr/bin/env bash
# A picture a minute as a file that any other program may read at any time: it is always whole. The camera is open only
# while the picture is taken.
#
#   snapshot-every-minute.sh [CAMERA] [FILE] [SECONDS]
set -euo pipefail
camera=${1:-auto} file=${2:-now.jpg} seconds=${3:-60}

while true; do
  if camgrab "$camera" -n 1 --quiet | camenc -q 90 --output-format jpeg --quiet >"$file.new"; then
    mv "$file.new" "$file"
  fi
  sleep "$seconds"
done
