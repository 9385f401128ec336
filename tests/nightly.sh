#!/usr/bin/env bash
# The long tests, of which each part can be run alone. Strict: a test that passes only the second time has failed.
#
#   tests/nightly.sh [--list] [PART...]      default: every part, in this order
#
# Parts:
#   asan    AddressSanitizer and UndefinedBehaviorSanitizer over the suites unit, badinput, cli and faults
#   tsan    ThreadSanitizer over the same
#   loaded  LOADED_RUNS (10) runs of unit and cli, beside programs that only compute, 3 for each core
#   fuzz    scripts/fuzz.sh: FUZZ_SECONDS (600) for each target
#   soak    tests/faults with longer settings, and ring_soak where the preset bench is built
#   compat  tests/compat.sh: the programs of 0.1.0 against these, by pipes and rings, both ways
#   deploy  tests/deploy_chroot.py, as root: the container of examples/deploy is built and run; DEPLOY_FOLDER keeps its downloads
#
# Each part closes with a line "PART: ok in N s" or "PART: FAILED in N s", the script with "N passed, N failed, N skipped" in
# parts, and exits with 1 when one failed, with 64 for a part that it does not know. What the parts print is kept in build/nightly/.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 70

all=(asan tsan loaded fuzz soak compat deploy)
parts=()
for word; do
  case $word in
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --list) printf '%s\n' "${all[@]}"; exit 0 ;;
    *)
      case " ${all[*]} " in *" $word "*) parts+=("$word") ;; *) echo "nightly.sh: $word: no such part: see --list" >&2; exit 64 ;; esac
      ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=("${all[@]}")

export CAMPIPE_STRICT=1
export FILE_LIMIT=${FILE_LIMIT:-7200} # seconds for one file of tests
kept=$PWD/build/nightly
mkdir -p "$kept"
: "${LOADED_RUNS:=10}" "${FUZZ_SECONDS:=600}"
for count in "$LOADED_RUNS" "$FUZZ_SECONDS"; do
  [[ $count =~ ^[1-9][0-9]*$ ]] || { echo "nightly.sh: $count: LOADED_RUNS and FUZZ_SECONDS are numbers over 0" >&2; exit 64; }
done

# Under sanitizers everything takes several times as long: fewer kills and cycles.
sanitized() { # PRESET
  SECONDS_EACH=${SECONDS_EACH:-12} KILLS=${KILLS:-4} CYCLES=${CYCLES:-300} READER_KILLS=${READER_KILLS:-200} RESTARTS=${RESTARTS:-20} \
    STAGES=${STAGES:-3} TOOL_TIMEOUT=${TOOL_TIMEOUT:-120} STOP_LIMIT=${STOP_LIMIT:-60} \
    tests/run.sh --preset "$1" --no-install unit badinput cli faults
}
part_asan() { sanitized asan; }
part_tsan() { sanitized tsan; }

part_loaded() {
  local run failed=0
  # Built before there is a load: the runs find nothing left to compile.
  cmake --preset dev >/dev/null && cmake --build build/dev || return 70
  for ((run = 1; run <= LOADED_RUNS; run++)); do
    echo "== loaded run $run of $LOADED_RUNS, load $(cut -d' ' -f1 /proc/loadavg)"
    TOOL_TIMEOUT=${TOOL_TIMEOUT:-120} STOP_LIMIT=${STOP_LIMIT:-60} \
      tests/support/under_load.sh $(($(nproc) * 3)) tests/run.sh --no-install unit cli || failed=$((failed + 1))
  done
  echo "loaded: $failed of $LOADED_RUNS runs failed"
  [ "$failed" = 0 ]
}

part_fuzz() { scripts/fuzz.sh "$FUZZ_SECONDS"; }

part_soak() {
  local code=0
  SECONDS_EACH=${SECONDS_EACH:-600} KILLS=${KILLS:-50} CYCLES=${CYCLES:-5000} READER_KILLS=${READER_KILLS:-5000} RESTARTS=${RESTARTS:-500} \
    STAGES=${STAGES:-30} STOP_S=${STOP_S:-60} JOINS=${JOINS:-480} tests/run.sh --no-install faults || code=1
  if [ -x build/bench/bin/ring_soak ]; then
    build/bench/bin/ring_soak || code=1
  else
    echo "soak: ring_soak is left out: the preset bench is not built"
  fi
  return "$code"
}

part_compat() { tests/compat.sh; }

part_deploy() { tests/deploy_chroot.py ${DEPLOY_FOLDER:+"$DEPLOY_FOLDER"}; }

passed=0 failed=0
for part in "${parts[@]}"; do
  echo "==== $part"
  began=$SECONDS
  if "part_$part" 2>&1 | tee "$kept/$part.log"; then
    passed=$((passed + 1)) verdict=ok
  else
    failed=$((failed + 1)) verdict=FAILED
  fi
  echo "$part: $verdict in $((SECONDS - began)) s: $kept/$part.log"
done
echo "$passed passed, $failed failed, $((${#all[@]} - passed - failed)) skipped"
[ "$failed" = 0 ]
