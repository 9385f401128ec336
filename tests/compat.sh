#!/usr/bin/env bash
# Runs the programs of a released version against those of this tree, both ways: through pipes and through rings.
#
#   tests/compat.sh [VERSION]      default 0.1.0
#
# The release is built in build/compat/VERSION, from the tag of its version or, in a clone without tags, from its commit.
# $CAMPIPE_BIN has the programs of this tree (default build/dev/bin). Closes with "N passed, N failed".
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 70
version=${1:-0.1.0}
declare -A commits=([0.1.0]=c87ab92)
new=${CAMPIPE_BIN:-$PWD/build/dev/bin}
tree=$PWD/build/compat/$version
old=$tree/build/release/bin

commit=$(git rev-parse --verify --quiet "refs/tags/$version^{commit}") || commit=${commits[$version]:-}
git rev-parse --verify --quiet "${commit:-none}^{commit}" >/dev/null || { echo "compat.sh: $version: this clone has no such tag or commit" >&2; exit 66; }
if [ ! -x "$old/camring" ]; then
  mkdir -p "$tree"
  git archive "$commit" | tar -x -C "$tree" || exit 70
  cmake -S "$tree" -B "$tree/build/release" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAMPIPE_TESTS=OFF >/dev/null &&
    cmake --build "$tree/build/release" || exit 70
fi

work=$(mktemp -d)
export CAMPIPE_RING_DIR=$work/rings
mkdir "$CAMPIPE_RING_DIR"
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT
passed=0 failed=0
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok $name"
  else
    failed=$((failed + 1))
    echo "not ok $name"
  fi
}

# How many pictures of the counter are in a stream, whole and in order.
frames_of() { ffprobe -v fatal -count_packets -select_streams v -show_entries stream=nb_read_packets -of csv=p=0 "$1"; }

# As many frames in both, and more than 0; a busy machine may have made fewer than were asked for.
same_frames() { [ "$(frames_of "$1")" -gt 0 ] && [ "$(frames_of "$1")" = "$(frames_of "$2")" ]; }

pipe() { # GRAB ENC: frames through both; by a file, so that a slow start drops none
  "$1/camgrab" pattern --size 160x120 --rate 30 -n 60 --quiet >"$work/in.nut" || return 1
  cat "$work/in.nut" | "$2/camenc" -c mjpeg --quiet >"$work/out.nut" || return 1
  same_frames "$work/in.nut" "$work/out.nut"
}

ring() { # WRITER READER KIND
  local name=compat.$3 code=1 writer
  if [ "$3" = raw ]; then
    "$1/camgrab" pattern --size 160x120 --rate 30 --quiet -o "shm:$name" &
  else
    "$1/camgrab" pattern --size 160x120 --rate 30 --quiet | "$1/camenc" -c "$3" --quiet -o "shm:$name" &
  fi
  writer=$!
  timeout 30 "$2/camring" tap -n 30 "$name" >"$work/tap.nut" && [ "$(frames_of "$work/tap.nut")" = 30 ] && code=0
  kill "$writer" 2>/dev/null
  pkill -P "$writer" 2>/dev/null
  wait "$writer" 2>/dev/null
  return "$code"
}

# One writer is killed, one of the other version takes its ring over, and a reader of either sees both.
takeover() { # FIRST SECOND READER
  local name=compat.takeover reader first second code=1
  "$1/camgrab" pattern --size 160x120 --rate 30 --quiet -o "shm:$name" &
  first=$!
  timeout 30 "$3/camring" tap -n 90 "$name" >"$work/take.nut" &
  reader=$!
  sleep 1.5
  kill -9 "$first"
  wait "$first" 2>/dev/null
  "$2/camgrab" pattern --size 160x120 --rate 30 --quiet -o "shm:$name" &
  second=$!
  wait "$reader" && [ "$(frames_of "$work/take.nut")" = 90 ] && code=0
  kill "$second"
  wait "$second" 2>/dev/null
  return "$code"
}

# A lost source's packets between the frames are nothing to an older reader.
states() { # a NUT stream of this tree with what its source does, read by the old camenc
  "$new/camgrab" pattern --size 160x120 --rate 30 -n 30 --quiet >"$work/states.nut" || return 1
  grep -aq 'campipe.state' "$work/states.nut" || return 1
  "$old/camenc" -c mjpeg --quiet <"$work/states.nut" >"$work/states.out" && same_frames "$work/states.nut" "$work/states.out"
}

check "pipe: $version into this" pipe "$old" "$new"
check "pipe: this into $version" pipe "$new" "$old"
check "pipe: what the source does is passed over by $version" states
for kind in raw mjpeg h264; do
  check "ring of $kind: written by $version, read by this" ring "$old" "$new" "$kind"
  check "ring of $kind: written by this, read by $version" ring "$new" "$old" "$kind"
done
for reader in old new; do
  check "ring: a writer of $version, then one of this; the reader is $reader" takeover "$old" "$new" "${!reader}"
  check "ring: a writer of this, then one of $version; the reader is $reader" takeover "$new" "$old" "${!reader}"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
