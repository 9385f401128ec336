#!/usr/bin/env bash
# A pipeline as one process group that outlives SIGTERM until its last member has ended, and then tells how they ended.
#
#   pipeline.bash 'SHELL TEXT'
#
# Exits with the status of the last member that failed. SIGTERM (143) counts only where nothing worse happened, SIGPIPE (141)
# only of the last member: who writes to a reader that has ended is ended by it.
before='told=0
at_end() {
  local status worst=0 last=${*: -1}
  for status; do
    case $status in
      0 | 141) ;;
      143 | 255) # the second is ffmpeg on SIGTERM
        if [ "$status" = 255 ] && [ "$told" = 0 ]; then worst=255; fi
        [ "$worst" != 0 ] || worst=143
        ;;
      *) worst=$status ;;
    esac
  done
  if [ "$worst" = 0 ] && [ "$last" = 141 ]; then worst=141; fi
  exit "$worst"
}
trap '\''ended=("${PIPESTATUS[@]}"); told=1; at_end "${ended[@]}"'\'' TERM'
after='at_end "${PIPESTATUS[@]}"'
exec bash -o pipefail -c "$before"$'\n'"$1"$'\n'"$after"
