# Shared by all shell tests: `load helper` (or ../cli/helper). Tools are found through $PATH, which tests/run.sh sets.
bats_require_minimum_version 1.5.0

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ROOT
if [ -z "${CAMPIPE_BIN:-}" ]; then
  CAMPIPE_BIN=$ROOT/build/dev/bin
  export CAMPIPE_BIN
fi
case :$PATH: in *:$CAMPIPE_BIN:*) ;; *) PATH=$CAMPIPE_BIN:$PATH ;; esac
PYTHON=/usr/bin/python3 # Debian's: it has numpy, OpenCV and gi

# Nothing a test starts may report to a service manager that runs the tests.
unset NOTIFY_SOCKET WATCHDOG_USEC CAMPIPE_CLOCK LISTEN_FDS LISTEN_FDNAMES CAMGRAB_URL
TOOL_TIMEOUT=${TOOL_TIMEOUT:-30}

# shellcheck source=background.bash
source "$ROOT/tests/cli/background.bash"

# A file of tests adds to these by prepare() and clean_up(), and never has a setup() or teardown() of its own.
setup() {
  cd "$BATS_TEST_TMPDIR" || exit 1
  keep_sanitizer_reports "$BATS_TEST_TMPDIR"
  prepare
}
prepare() { :; }

teardown() {
  local code=0
  stop_background || code=1
  clean_up
  return "$code"
}
clean_up() { :; }

# run_tool [CODE] COMMAND [ARG...]: runs it with a time limit, stdout in $output, stderr in $stderr, and fails unless it
# exits with CODE (0).
run_tool() {
  local expected=0
  if [[ $1 =~ ^[0-9]+$ ]]; then
    expected=$1
    shift
  fi
  run --separate-stderr timeout -k 5 "$TOOL_TIMEOUT" "$@"
  if [ "$status" -ne "$expected" ]; then
    printf 'command: %s\nexpected exit %s, got %s\nstdout: %s\nstderr: %s\n' "$*" "$expected" "$status" \
      "$(printf '%s' "$output" | head -c 2000 | tr -d '\0')" "$stderr" >&2
    machine_limits >&2
    return 1
  fi
}

# assert_equal ACTUAL EXPECTED [WHAT]
assert_equal() {
  if [ "$1" != "$2" ]; then
    printf '%s: expected %q, got %q\n' "${3:-value}" "$2" "$1" >&2
    return 1
  fi
}

# assert_contains TEXT PART
assert_contains() {
  if [[ $1 != *"$2"* ]]; then
    printf 'expected to find: %s\nin: %s\n' "$2" "$1" >&2
    return 1
  fi
}

# assert_between NUMBER LOW HIGH [WHAT]: decimals allowed
assert_between() {
  if ! awk -v n="$1" -v l="$2" -v h="$3" 'BEGIN { exit !(n ~ /^-?[0-9.]+$/ && n >= l && n <= h) }'; then
    printf '%s: expected %s to %s, got %s\n' "${4:-value}" "$2" "$3" "$1" >&2
    return 1
  fi
}

# wait_until SECONDS COMMAND [ARG...]: until it succeeds; fails after SECONDS
wait_until() {
  local deadline=$((SECONDS + $1 + 1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

# wait_for_line SECONDS FILE TEXT: fails with what the file holds
wait_for_line() {
  if ! wait_until "$1" grep -qF -- "$3" "$2"; then
    printf 'no line with "%s" in %s within %s s:\n%s\n' "$3" "$2" "$1" "$(tail -20 "$2")" >&2
    machine_limits >&2
    return 1
  fi
}

# grows FILE [SECONDS]: until it has become bigger twice, within SECONDS each
grows() {
  local size
  for _ in 1 2; do
    size=$(stat -c %s "$1" 2>/dev/null || echo 0)
    wait_until "${2:-15}" bigger_than "$1" "$size" || return 1
  done
}
bigger_than() { [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt "$2" ]; }

# free_port: a TCP port nobody listens on at the moment
free_port() {
  $PYTHON -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# count_frames FILE-OR-URL [FFMPEG INPUT OPTION...]: really decodes; prints the number of video frames
count_frames() {
  local input=$1
  shift
  ffprobe -v error "$@" -count_frames -select_streams v:0 -show_entries stream=nb_read_frames -of csv=p=0 "$input" | head -1 | tr -d ','
}

# counters INPUT WIDTH HEIGHT [FFMPEG INPUT OPTION...]: the pattern's frame number of each decoded frame, one a line
counters() {
  local input=$1 width=$2 height=$3
  shift 3
  ffmpeg -v error "$@" -i "$input" -map 0:v:0 -fps_mode passthrough -f rawvideo -pix_fmt gray - |
    $PYTHON "$ROOT/tests/support/pattern_counter.py" "$width" "$height"
}
