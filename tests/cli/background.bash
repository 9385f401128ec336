# The background processes of a test: each is started, ended and judged here. Sourced by helper.bash.
#
# At the end of a test every process must have exited with 0, or with what the test has announced (expect_exit). Of those that
# still ran and were sent SIGTERM, programs of others may end by it (143; ffmpeg says 255), and all may end by SIGPIPE (141),
# since the readers of pipes are stopped at the same moment. No sanitizer may have reported anything in the test's folder.

STOP_LIMIT=${STOP_LIMIT:-20} # seconds from SIGTERM until a process counts as one that hangs
BACKGROUND=()
declare -A NAME_OF ALLOWED_EXITS OURS

# start NAME COMMAND [ARG...]: in the background in its own process group; $NAME_pid, output in NAME.out and NAME.err.
start() {
  local name=$1
  shift
  setsid "$@" >"$name.out" 2>"$name.err" 3>&- 4>&- </dev/null &
  started "$name" "$!" "$@"
}

# start_sh NAME 'SHELL TEXT': a pipeline as one background group; every member's exit status counts
start_sh() {
  case $2 in
    exec\ *) start "$1" bash -c "$2" ;; # one process, which takes the shell's place
    *) start "$1" "$ROOT/tests/support/pipeline.bash" "$2" ;;
  esac
}

# started NAME PID COMMAND [ARG...]: takes over what a test has started itself
started() {
  printf -v "${1}_pid" %s "$2"
  BACKGROUND+=("$2")
  NAME_OF[$2]=$1
  ALLOWED_EXITS[$2]=0
  if is_ours "${@:3}"; then OURS[$2]=1; fi
  # Its group is there as soon as setsid has made it: signals go to the group.
  wait_until 10 has_group "$2"
}
has_group() { kill -0 -- "-$1" || ! kill -0 "$1"; }

# is_ours COMMAND [ARG...]: whether it runs one tool of campipe, which exits with 0 on SIGTERM
is_ours() {
  local word
  for word; do
    case ${word##*/} in
      unshare) return 1 ;; # SIGTERM ends it, whatever it runs
      bash | sh | python3 | timeout) [[ "${*: -1}" =~ ^exec\ cam ]]; return ;;
      camgrab | camenc | camserve | camrec | camring | camwatch) return 0 ;;
    esac
  done
  return 1
}

# expect_exit NAME CODE...: the exit codes that are right for that process
expect_exit() {
  local pid=$1_pid
  ALLOWED_EXITS[${!pid}]=${*:2}
}

# stop NAME [SIGNAL]: SIGTERM to the group, or what is given; its end is waited for and judged
stop() {
  local pid=$1_pid
  end_group "${!pid}" "${2:-TERM}" || true
  judge "${!pid}"
}

# ends NAME [SECONDS]: waits until the process has ended by itself, and judges it
ends() {
  local pid=$1_pid
  judge "${!pid}" "${2:-30}"
}

# kill_hard NAME: SIGKILL to the group; its end is waited for
kill_hard() {
  local pid=$1_pid
  kill -KILL -- "-${!pid}"
  expect_exit "$1" 137
  judge "${!pid}"
}

# end_group PID SIGNAL: fails when it has ended before
end_group() {
  not_running "$1" && return 1
  kill -"$2" -- "-$1" 2>/dev/null || return 1
  [ "${ALLOWED_EXITS[$1]}" = 0 ] || return 0
  ALLOWED_EXITS[$1]="0 141"
  [ -n "${OURS[$1]:-}" ] || ALLOWED_EXITS[$1]+=" 143 255"
}

# judge PID [SECONDS]: waits for its end and fails, with what it said, unless that is a right one
judge() {
  local pid=$1 limit=${2:-$STOP_LIMIT} name=${NAME_OF[$1]} code=0
  if ! wait_until "$limit" not_running "$pid"; then
    kill -KILL -- "-$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    blame "$name" "did not end within $limit s"
    ALLOWED_EXITS[$pid]=137 # is told once
    return 1
  fi
  wait "$pid" 2>/dev/null || code=$?
  case " ${ALLOWED_EXITS[$pid]} " in *" $code "*) return 0 ;; esac
  blame "$name" "exit $code, expected one of: ${ALLOWED_EXITS[$pid]}"
  ALLOWED_EXITS[$pid]=$code
  return 1
}

blame() { # NAME TEXT
  {
    printf 'background process %s: %s\n' "$1" "$2"
    tail -n 30 "$1.err" 2>/dev/null | tr -d '\0' | sed 's/^/  /'
    machine_limits
  } >&2
}

# stop_background: ends all that still runs; fails when one of them ended as it should not, or a sanitizer spoke
stop_background() {
  local pid bad=0
  for pid in "${BACKGROUND[@]}"; do end_group "$pid" TERM || true; done
  for pid in "${BACKGROUND[@]}"; do judge "$pid" || bad=1; done
  BACKGROUND=()
  sanitizers_are_silent || bad=1
  return "$bad"
}

not_running() { ! kill -0 -- "-$1" 2>/dev/null; }

# Reports go to files of their own, because the stderr of many commands is compared or thrown away.
keep_sanitizer_reports() { # FOLDER
  local name
  for name in ASAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS; do
    export "$name=${!name:+${!name}:}log_path=$1/.sanitizer"
  done
}

sanitizers_are_silent() {
  local reports
  reports=$("$ROOT/tests/support/sanitizer_reports.sh" "$BATS_TEST_TMPDIR") && return 0
  printf 'a sanitizer reported:\n%s\n' "$reports" >&2
  return 1
}

# machine_limits: names what the machine has none left of, if anything
machine_limits() { "$PYTHON" "$ROOT/tests/support/machine_limits.py" now || :; }
