load helper

prepare() {
  export XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state FAKE_DIR=$PWD
  mkdir -m 700 run
  FAKE=$ROOT/tests/support/fake_stage.py
}

# stages FIELDS: {name: these fields of it} of the only chain
stages() { camwatch status --json | jq -c ".chains[0].stages | map({key: .name, value: {$1}}) | from_entries"; }
pid_of() { stages pid | jq ".$1.pid"; }
up() { stages pid | jq -e 'all(.pid != null)'; }
# remember: $before is which process each stage is, and how often it was restarted
remember() { before=$(stages pid,restarts); }
pid_before() { jq ".$1.pid" <<<"$before"; }

# begin STAGES: runs them as the only chain, and waits for its first line at a sink
begin() {
  cat >c.yaml <<Y
version: 1
hooks: {lost-after: 0}
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
}

# chain STAGES: until all of them run
chain() {
  begin "$1"
  wait_until 5 up
}

lines() { wc -l <sunk; }
more_than() { [ "$(lines)" -gt "$1" ]; }
flows_again() { wait_until 10 more_than $(($(lines) + 20)) || { echo "no more lines"; cat watch.err; camwatch status; return 1; } >&2; }
# reports_more STAGE COUNT: until it has reported so often from now on, ten times a second
reports_more() {
  local want=$(($(cat "$1.reports") + $2))
  reported() { [ "$(cat "$1.reports")" -ge "$2" ]; }
  wait_until 60 reported "$1" "$want"
}

restarted() { [ "$(stages pid,restarts | jq ".$1 | .pid != null and .restarts > $(jq ".$1.restarts" <<<"$before")")" = true ]; }

# only_restarts STAGE: waits until it was; all others must be what they were before
only_restarts() {
  if ! wait_until 20 restarted "$1"; then
    { echo "$1 was not restarted"; cat watch.err; camwatch status; } >&2
    return 1
  fi
  assert_equal "$(stages pid,restarts | jq -c "del(.$1)")" "$(jq -c "del(.$1)" <<<"$before")" "the others"
}

nobody_restarted() { assert_equal "$(stages pid,restarts)" "$before" "$(cat watch.err)"; }

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
    remember
    kill -9 "$(pid_before $stage)"
    only_restarts $stage
    flows_again
  done
}

@test "SIGSTOP of any stage: that one alone is restarted" {
  three
  for stage in source filter sink; do
    remember
    kill -STOP "$(pid_before $stage)"
    only_restarts $stage
    flows_again
  done
}

@test "alive but silent: the stage that stalls is restarted, not its victims" {
  three
  for stage in source filter; do
    remember
    echo stall >$stage
    only_restarts $stage
    flows_again
  done
}

@test "a filter that takes frames and gives none is restarted" {
  three
  remember
  echo swallow >filter
  only_restarts filter
  grep -q "filter: takes frames and gives none" watch.err
}

@test "a source that says it waits is left alone, and so is what waits behind it" {
  three
  remember
  echo wait >source
  for stage in source sink; do reports_more $stage 70; done # 7 s and more: well past startup, stall and heartbeat
  assert_equal "$(stages state | jq -r .source.state)" waiting
  nobody_restarted
}

@test "another program in the middle that stops is found by its neighbours" {
  mixed
  remember
  kill -STOP "$(pid_before foreign)"
  only_restarts foreign
  flows_again
}

@test "camwatch that was stopped itself judges nobody by it" {
  three
  remember
  kill -STOP "$watch_pid"
  reports_more source 50 # 5 s: past stall and heartbeat
  kill -CONT "$watch_pid"
  wait_for_line 10 watch.err "held up for"
  reports_more source 30 # past stall and heartbeat once more, this time seen
  nobody_restarted
}

@test "camwatch killed leaves no stage behind" {
  three
  remember
  kill_hard watch
  for pid in $(jq '.[].pid' <<<"$before"); do wait_until 3 eval "! kill -0 $pid"; done
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
  run ! pgrep -f "^sleep 100[12]"
}

@test "one source feeds two; an optional sink that is down holds nobody up" {
  cat >tee.py <<P
import os, sys
while data := os.read(0, 65536):
    for fd in sys.argv[1:]:
        os.write(int(fd[3:]), data)
P
  begin "
      source: {cmd: [$FAKE, source]}
      split: {from: source, cmd: [$PYTHON, $PWD/tee.py, 'fd:out.sink', 'fd:out.extra']}
      sink: {from: split, cmd: [$FAKE, sink, $PWD/sunk]}
      extra: {from: split, required: false, restart: {first: 1h, max: 1h, jitter: none}, cmd: [sh, -c, 'head -c 100 >$PWD/extra; exit 1']}"
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
  remember
  kill -9 "$(pid_before filter)"
  wait_until 10 restarted filter
  wait_until 10 restarted source
  assert_equal "$(pid_of sink)" "$(pid_before sink)"
  flows_again
  # A new pipe: the first line of the new source is the first of the new filter.
  grep -q " 0000001$" <(tail -n +2 sunk)
}
