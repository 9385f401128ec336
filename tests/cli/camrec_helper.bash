# What the tests of camrec share.

# make_input FILE SECONDS [FFMPEG OPTION...]: a NUT of H.264, 320x240, 30 frames a second, a keyframe a second
make_input() {
  local file=$1 seconds=$2
  shift 2
  ffmpeg -v error -f lavfi -i "testsrc=s=320x240:r=30" -t "$seconds" -c:v libx264 -preset ultrafast -g 30 -bf 0 "$@" -f nut -y "$file"
}

# published DIR: the files camrec has published there, oldest first
published() {
  find "$1" -path '*/live' -prune -o -path '*/quarantine' -prune -o -path '*/clips' -prune -o -type f -name '2*Z-r*.m*' -print -o -type f -name '2*Z-r*.ts' -print | sort
}

# hashes FILE...: a digest of each decoded picture, one a line; complaints of the decoder fail the test
hashes() {
  local file
  for file in "$@"; do
    if [ -n "$(ffmpeg -v error -i "$file" -map 0:v:0 -fps_mode passthrough -f framemd5 framemd5.out -y 2>&1 | tee complaints)" ]; then
      echo "$file: $(head -3 complaints)" >&2
      return 1
    fi
    grep -v '^#' framemd5.out | awk '{print $NF}'
  done
}

# frames FILE...: how many pictures they decode to, together
frames() { hashes "$@" | wc -l; }

probe() { # FILE ENTRIES
  ffprobe -v error -show_entries "$2" -of csv=p=0 "$1"
}

# on_synchronised_clock: leaves in $SYNCHRONISED a library that, preloaded, tells a program that the clock is synchronised
on_synchronised_clock() {
  SYNCHRONISED=$PWD/synchronised.so
  gcc -shared -fPIC -o "$SYNCHRONISED" -x c - <<'EOF'
#include <string.h>
#include <sys/timex.h>
int adjtimex(struct timex *query) { memset(query, 0, sizeof *query); return TIME_OK; }
EOF
}

# feed FILE [SPEED]: the stream in real time on stdout
feed() { ffmpeg -v error -readrate "${2:-1}" -i "$1" -c copy -f nut -flush_packets 1 -; }
