#!/usr/bin/env bash
# Prints what sanitizers have reported into a folder's logs, and then fails.
#
#   sanitizer_reports.sh FOLDER
found=$(find "$1" -xdev -type f \( -name '*err' -o -name '*.log' -o -name 'stderr*' -o -name '.sanitizer*' \) -print0 |
  xargs -0 -r grep -aE -m 3 -A 12 -- 'Sanitizer|runtime error:|ERROR: Can.t open file' | head -n 60)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
