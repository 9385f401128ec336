#!/usr/bin/env bash
# Builds the fuzz targets with ASan and UBSan and runs each for a while from the kept corpus.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]      default: 120 seconds, every target
#
# One line per target, and "N passed, N failed, 0 skipped" at the end; exit 1 when one of them found something, 64 for wrong
# arguments, 70 when they do not build.
# An input that crashes is left in build/fuzz/finds/TARGET/; put it into tests/fuzz/corpus/TARGET/ with the fix, and every
# test run has it from then on. MERGE=1 adds what reached new code to the kept corpus: files under 8 kB, 100 at the most.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 70

seconds=${1:-120}
shift || true
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "fuzz.sh: $seconds: not a number of seconds: see the top of this script" >&2
  exit 64
fi

targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  for source in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi
for target in "${targets[@]}"; do
  if [ ! -f "tests/fuzz/$target.cpp" ]; then
    echo "fuzz.sh: $target: there is no tests/fuzz/$target.cpp" >&2
    exit 64
  fi
done

mkdir -p build/fuzz
log=build/fuzz/build.log
if ! { cmake --preset fuzz && cmake --build build/fuzz --target "${targets[@]}"; } >"$log" 2>&1; then
  tail -30 "$log" >&2
  exit 70
fi

# What reached new code joins the kept corpus while there is room: the small ones first.
keep_new() { # TARGET FINDS CORPUS
  local merged=$2/merged
  rm -rf "$merged"
  mkdir -p "$merged"
  build/fuzz/bin/"$1" -merge=1 -max_len=8192 "$merged" "$3" "$2/new" >>"$2/log" 2>&1
  local room=$((100 - $(find "$3" -type f | wc -l)))
  [ "$room" -gt 0 ] || return 0
  find "$merged" -type f -printf '%s %p\n' | sort -n | while read -r _ file; do
    [ "$room" -gt 0 ] || break
    if ! find "$3" -type f -exec cmp -s {} "$file" \; -print -quit | grep -q .; then
      cp "$file" "$3/"
      room=$((room - 1))
    fi
  done
}

failed=0 passed=0
for target in "${targets[@]}"; do
  finds=build/fuzz/finds/$target
  corpus=tests/fuzz/corpus/$target
  log=$finds/log
  mkdir -p "$finds/new" "$corpus"
  if build/fuzz/bin/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -close_fd_mask=3 \
    -artifact_prefix="$finds/" "$finds/new" "$corpus" >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok $target: $(grep -oE 'Done [0-9]+ runs.*' "$log" | tail -1)"
    if [ "${MERGE:-0}" = 1 ]; then keep_new "$target" "$finds" "$corpus"; fi
  else
    failed=$((failed + 1))
    echo "not ok $target: $(grep -oE '(SUMMARY|runtime error): .*' "$log" | head -1): see $log"
    find "$finds" -maxdepth 1 -type f \( -name 'crash-*' -o -name 'timeout-*' -o -name 'oom-*' -o -name 'leak-*' \) -print
  fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
