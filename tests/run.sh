#!/usr/bin/env bash
# Runs the tests: installs what they need, builds, and closes with one line "N passed, N failed, N skipped".
#
#   tests/run.sh [--preset dev|clang|asan|tsan] [--no-install] [SUITE...]
#
# Suites, in this order: checks unit badinput cli interop faults examples vm. Default: all; with asan and tsan: unit
# badinput cli.
# What each test printed is kept in build/PRESET/test-results/. Of the suites that work with live video (cli interop faults
# examples vm), what failed runs once more; what passes then is listed as "flaky: NAME". More than 2 flaky tests fail the run,
# with CAMPIPE_STRICT=1 a single one does.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 70

preset=dev install=1
suites=()
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=$2; shift ;;
    --no-install) install=0 ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "run.sh: unknown option $1: see --help" >&2; exit 64 ;;
    *) suites+=("$1") ;;
  esac
  shift
done
if [ ${#suites[@]} = 0 ]; then
  case $preset in
    asan | tsan) suites=(unit badinput cli) ;;
    *) suites=(checks unit badinput cli interop faults examples vm) ;;
  esac
fi

if [ "$install" = 1 ]; then scripts/install-deps.sh --yes --tests || exit $?; fi

/usr/bin/python3 tests/support/machine_limits.py || exit 75

# ccache then finds what another checkout of the same sources has compiled.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset "$preset" >/dev/null || exit 70
cmake --build "build/$preset" || exit 70

results=$PWD/build/$preset/test-results
rm -rf "$results"
mkdir -p "$results"
export CAMPIPE_BIN=$PWD/build/$preset/bin
export PATH=$CAMPIPE_BIN:$PATH
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$PWD/tests/lsan.supp:print_suppressions=0}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}
export FILE_LIMIT=${FILE_LIMIT:-900} # seconds for one file of tests
unset NOTIFY_SOCKET WATCHDOG_USEC CAMPIPE_CLOCK

# Tests of live video can fail on a machine that has no time for them: what failed runs once more, alone. The first report
# stays beside the second as .first.
again() { # TAP-FILE COMMAND...
  local file=$1
  shift
  if grep -q '^not ok' "$file" || ! grep -q '^1\.\.' "$file"; then
    echo "== once more: $(basename "$file" .tap)"
    mv "$file" "${file%.tap}.first"
    "$@" >"$file" 2>&1
    grep -vE '^(ok |1\.\.)' "$file"
  fi
}

# tap NAME COMMAND...: runs what prints TAP, shows it, keeps it
tap() {
  local name=$1
  shift
  echo "== $name"
  "$@" 2>&1 | tee "$results/$name.tap" | grep -vE '^(ok |1\.\.)'
}

live_tap() {
  tap "$@"
  again "$results/$1.tap" "${@:2}"
}

# bats_suite FOLDER WORKERS: each file is a job of its own, so that waits overlap
bats_suite() {
  local folder=$1 workers=$2 file
  [ -n "$(ls "tests/$folder"/*.bats 2>/dev/null)" ] || return 0
  echo "== $folder"
  find "tests/$folder" -maxdepth 1 -name '*.bats' | sort |
    xargs -P "$workers" -I{} bash -c '
      out="$1/$2-$(basename "$3" .bats).tap"
      timeout -k 10 "$FILE_LIMIT" bats --formatter tap "$3" >"$out" 2>&1
      grep -vE "^(ok |1\.\.)" "$out"
      exit 0' _ "$results" "$folder" {}
  for file in "tests/$folder"/*.bats; do
    again "$results/$folder-$(basename "$file" .bats).tap" timeout -k 10 "$FILE_LIMIT" bats --formatter tap "$file"
  done
}

for suite in "${suites[@]}"; do
  case $suite in
    checks) tap checks tests/checks.sh "$preset" ;;
    unit)
      echo "== unit"
      GTEST_OUTPUT=xml:$results/gtest/ ctest --test-dir "build/$preset" --output-junit "$results/ctest.xml" \
        --output-on-failure -j 2 --no-tests=error | grep -vE '^ *[0-9]+/[0-9]+ .* Passed' | tail -60
      [ -s "$results/ctest.xml" ] || printf 'not ok 1 ctest left a report\n1..1\n' >"$results/unit.tap"
      ;;
    badinput) tap bad-input tests/bad_input.sh ;;
    cli) bats_suite cli 2 ;;
    interop) bats_suite interop 2 ;;
    faults)
      for program in tests/faults/*.py; do live_tap "faults-$(basename "$program" .py)" timeout -k 10 "$FILE_LIMIT" "$program"; done
      ;;
    examples) bats_suite examples 2 ;;
    vm) live_tap vm tests/v4l2vm/run.sh ;;
    *) echo "run.sh: unknown suite $suite" >&2; exit 64 ;;
  esac
done

/usr/bin/python3 tests/support/tally.py "$results"
