load helper

prepare() {
  export XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state FAKE_DIR=$PWD
  mkdir -m 700 run
  FAKE=$ROOT/tests/support/fake_stage.py
}

pids() { camwatch status --json | jq -c '.chains[0].stages | map({key: .name, value: .pid}) | from_entries'; }
pid_of() { pids | jq ".$1"; }
up() { pids | jq -e 'all(. != null)'; }

# chain STAGES: runs them as the only chain, and waits for its first line at a sink
chain() {
  cat >c.yaml <<Y
version: 1
defaults:
  restart: {first: 50ms, max: 200ms}
  watchdog: {startup: 4s, stall: 2s, heartbeat: 2s}
chains:
  c:
    env: {FAKE_NAME: "\${stage}"}
    stages:
$1
Y
  start watch camwatch run -c c.yaml
  if ! wait_until 10 test -s sunk; then cat watch.err c.yaml >&2; return 1; fi
  wait_until 5 up
}

lines() { wc -l <sunk; }
more_than() { [ "$(lines)" -gt "$1" ]; }
flows_again() { wait_until 10 more_than $(($(lines) + 20)) || { echo "no more lines"; cat watch.err; camwatch status; return 1; } >&2; }
other_pid() { local now; now=$(pid_of "$1"); [ "$now" != null ] && [ "$now" != "$2" ]; }

# only_restarts STAGE BEFORE: waits until it has another pid; all others must have kept theirs
only_restarts() {
  local stage=$1 before=$2
  if ! wait_until 15 other_pid "$stage" "$(jq ".$stage" <<<"$before")"; then
    { echo "$stage was not restarted"; cat watch.err; camwatch status; } >&2
    return 1
  fi
  assert_equal "$(pids | jq -c "del(.$stage)")" "$(jq -c "del(.$stage)" <<<"$before")" "pids of the others"
}

THREE='
      source: {cmd: [FAKE, source]}
      filter: {from: source, cmd: [FAKE, filter]}
      sink: {from: filter, cmd: [FAKE, sink, sunk]}'
three() { chain "$(sed "s|FAKE|$FAKE|; s|sunk|$PWD/sunk|" <<<"$THREE")"; }
MIXED='
      source: {cmd: [FAKE, source]}
      foreign: {from: source, cmd: [cat]}
      sink: {from: foreign, cmd: [FAKE, sink, sunk]}'
mixed() { chain "$(sed "s|FAKE|$FAKE|; s|sunk|$PWD/sunk|" <<<"$MIXED")"; }

@test "kill -9 of any stage: the others keep their pids and data flows again" {
  three
  for stage in source filter sink source filter sink; do
    before=$(pids)
    kill -9 "$(jq ".$stage" <<<"$before")"
    only_restarts $stage "$before"
    flows_again
  done
}

@test "SIGSTOP of any stage: that one alone is restarted" {
  three
  for stage in source filter sink; do
    before=$(pids)
    kill -STOP "$(jq ".$stage" <<<"$before")"
    only_restarts $stage "$before"
    flows_again
  done
}

@test "alive but silent: the stage that stalls is restarted, not its victims" {
  three
  for stage in source filter; do
    before=$(pids)
    echo stall >$stage
    only_restarts $stage "$before"
    flows_again
  done
}

@test "a filter that takes frames and gives none is restarted" {
  three
  before=$(pids)
  echo swallow >filter
  only_restarts filter "$before"
  grep -q "filter: takes frames and gives none" watch.err
}

@test "a source that says it waits is left alone, and so is what waits behind it" {
  three
  before=$(pids)
  echo wait >source
  sleep 7 # well past startup, stall and heartbeat
  assert_equal "$(pids)" "$before" "$(cat watch.err)"
}

@test "another program in the middle that stops is found by its neighbours" {
  mixed
  before=$(pids)
  kill -STOP "$(jq .foreign <<<"$before")"
  only_restarts foreign "$before"
  flows_again
}

@test "camwatch that was stopped itself judges nobody by it" {
  three
  before=$(pids)
  kill -STOP "$watch_pid"
  sleep 5
  kill -CONT "$watch_pid"
  sleep 3
  assert_equal "$(pids)" "$before" "$(cat watch.err)"
  grep -q "held up for" watch.err
}

@test "camwatch killed leaves no stage behind" {
  three
  before=$(pids | jq '.[]')
  kill -9 "$watch_pid"
  for pid in $before; do wait_until 3 eval "! kill -0 $pid"; done
}

@test "what a killed stage had started is killed with it" {
  cat >c.yaml <<Y
version: 1
chains:
  c:
    stages:
      s: {cmd: [sh, -c, "sleep 1001 & (setsid sleep 1002 &) ; echo up >>$PWD/sunk; wait"]}
Y
  start watch camwatch run -c c.yaml
  wait_until 5 test -s sunk
  wait_until 5 pgrep -f "sleep 1002"
  local old
  old=$(pgrep -f "^sleep 100[12]")
  kill -9 "$(pid_of s)"
  for pid in $old; do wait_until 3 eval "! kill -0 $pid"; done
  camwatch stop
  ! pgrep -f "^sleep 100[12]"
}

@test "one source feeds two; an optional sink that is down holds nobody up" {
  cat >tee.py <<P
import os, sys
while data := os.read(0, 65536):
    for fd in sys.argv[1:]:
        os.write(int(fd[3:]), data)
P
  chain "
      source: {cmd: [$FAKE, source]}
      split: {from: source, cmd: [$PYTHON, $PWD/tee.py, 'fd:out.sink', 'fd:out.extra']}
      sink: {from: split, cmd: [$FAKE, sink, $PWD/sunk]}
      extra: {from: split, required: false, restart: {first: 1h, max: 1h, jitter: none}, cmd: [sh, -c, 'head -c 100 >$PWD/extra; exit 1']}" || true
  wait_until 10 test -s sunk
  wait_until 10 test -s extra
  # Twice what the pipe of extra could hold, at 8 bytes a line.
  wait_until 10 grep -q "extra: exit 1" watch.err
  flows_again
  camwatch status --json | jq -e '.chains[0].state == "running"'
}

@test "paired stages are restarted together with a new pipe" {
  chain "
      source: {cmd: [$FAKE, source]}
      filter: {from: source, link: paired, cmd: [$FAKE, filter]}
      sink: {from: filter, cmd: [$FAKE, sink, $PWD/sunk]}"
  before=$(pids)
  kill -9 "$(jq .filter <<<"$before")"
  wait_until 10 other_pid filter "$(jq .filter <<<"$before")"
  wait_until 10 other_pid source "$(jq .source <<<"$before")"
  assert_equal "$(pid_of sink)" "$(jq .sink <<<"$before")"
  flows_again
  # A new pipe: the first line of the new source is the first of the new filter.
  grep -q " 0000001$" <(tail -n +2 sunk)
}
