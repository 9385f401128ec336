load helper

prepare() {
  export XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state XDG_CONFIG_HOME=$PWD/config FAKE_DIR=$PWD
  mkdir -m 700 run
  FAKE=$ROOT/tests/support/fake_stage.py
}

pid_of() { camwatch status --json | jq ".chains[] | .stages[] | select(.name == \"$1\") | .pid"; }
state_of() { camwatch status --json | jq -r ".chains[] | .stages[] | select(.name == \"$1\") | .state"; }
has_state() { [ "$(state_of "$1")" = "$2" ]; }
up() { camwatch status --json | jq -e '[.chains[].stages[].pid] | all(. != null)'; }
gone() { ! camwatch status; }

# three_stages: source | filter | sink as the chain "c", running
three_stages() {
  cat >c.yaml <<Y
version: 1
defaults: {restart: {first: 50ms, max: 200ms}}
chains:
  c:
    env: {FAKE_NAME: "\${stage}"}
    stages:
      source: {cmd: [$FAKE, source]}
      filter: {from: source, cmd: [$FAKE, filter]}
      sink: {from: filter, cmd: [$FAKE, sink, $PWD/sunk]}
Y
  start watch camwatch run -c c.yaml
  wait_until 10 test -s sunk
}

@test "camwatch run -- joins the stages without a shell and ends with 0 when the source does" {
  run_tool camwatch run -- "seq 1 50000 | sed 's/\$/ a;b/' | tee '$PWD/my out'"
  assert_equal "$(wc -l <"my out")" 50000
  assert_equal "$(tail -1 "my out")" "50000 a;b"
}

@test "camwatch run -- prints the stages' stderr as a shell would show it" {
  run_tool camwatch run -- "sh -c 'echo hello >&2'"
  assert_contains "$stderr" "sh: hello"
}

@test "camwatch run -- ends with 0 when the sink has enough" {
  run_tool camwatch run -- "yes | head -n 3"
}

@test "camwatch run -- starts a stage again that fails, until it ends well" {
  run_tool camwatch run -- "sh -c 'test -e two && exit 0; test -e one && touch two; touch one; exit 9' | cat"
  assert_contains "$stderr" "sh: exit 9: starting again in"
}

@test "camwatch run -- gives up on a stage that refuses its command line, with its code" {
  run_tool 64 camwatch run -- "sh -c 'echo bad option >&2; exit 64' | cat"
  assert_contains "$stderr" "bad option"
}

@test "camwatch run -- does not take what needs a shell" {
  for text in 'a > b' 'a ; b' 'a & b' 'a $(b)' '| a' "a 'b"; do
    run_tool 64 camwatch run -- "$text"
    assert_contains "$stderr" "camwatch: pipeline:"
  done
}

@test "camwatch run -- exits 69 when a program is not there, before anything starts" {
  run_tool 69 camwatch run -- "touch started | no-such-program"
  assert_contains "$stderr" "no program 'no-such-program' in \$PATH"
  [ ! -e started ]
}

@test "camwatch status shows chains, stages and frames, as a table and as JSON" {
  three_stages
  wait_until 5 has_state sink flowing
  run_tool camwatch status
  assert_contains "$output" "CHAIN/STAGE"
  assert_contains "$output" "  filter"
  assert_contains "$output" "1 chain: 1 running; 3 stages, 3 with a process, 0 restarts"
  run_tool camwatch status c/filter
  assert_equal "$(wc -l <<<"$output")" 4 "lines of $output"
  run_tool 66 camwatch status nobody
  run_tool 66 camwatch status c/nobody
  run_tool camwatch status --json
  jq -e '.chains[0].name == "c" and .chains[0].state == "running" and (.chains[0].stages | length == 3)' <<<"$output"
  jq -e '.chains[0].stages[1] | .fps > 0 and .fps_in > 0 and .fps_out > 0 and .frames_in > 0 and .restarts == 0 and .last_exit == null and .last_frame_age_s < 2 and .from == ["source"]' <<<"$output"
}

@test "camwatch that is not running: status, stop and restart exit 69 with one line" {
  for command in status stop "restart c" "start c"; do
    run_tool 69 camwatch $command
    assert_contains "$stderr" "camwatch: no camwatch is running"
  done
}

@test "a second camwatch on the same control socket exits 75" {
  three_stages
  run_tool 75 camwatch run -c c.yaml
  assert_contains "$stderr" "already runs with the control socket"
  run_tool camwatch run --control "$PWD/other" -- "echo x"
}

@test "camwatch restart changes one stage's pid and nobody else's, and its frames go on" {
  three_stages
  wait_until 5 up
  local before=($(pid_of source) $(pid_of filter) $(pid_of sink))
  run_tool camwatch restart c/filter
  changed() { [ "$(pid_of filter)" != "${before[1]}" ] && [ "$(pid_of filter)" != null ]; }
  wait_until 5 changed
  assert_equal "$(pid_of source)" "${before[0]}"
  assert_equal "$(pid_of sink)" "${before[2]}"
  local lines
  lines=$(wc -l <sunk)
  more() { [ "$(wc -l <sunk)" -gt $((lines + 10)) ]; }
  wait_until 5 more
  run_tool camwatch restart c
  wait_until 5 up
  [ "$(pid_of source)" != "${before[0]}" ]
  assert_equal "$(camwatch status --json | jq -c '[.chains[].stages[].restarts]')" "[0,0,0]" "restarts after faults"
  run_tool 66 camwatch restart nobody
  run_tool 66 camwatch restart c/nobody
}

@test "camwatch stop and start: one stage, a chain, everything" {
  three_stages
  run_tool camwatch stop c/sink
  has_state sink stopped
  [ "$(pid_of sink)" = null ]
  [ "$(pid_of filter)" != null ]
  # What nobody reads must not hold the others up.
  local frames
  frames=$(camwatch status --json | jq '.chains[0].stages[0].frames_out')
  flows() { [ "$(camwatch status --json | jq '.chains[0].stages[0].frames_out')" -gt $((frames + 100)) ]; }
  wait_until 10 flows
  run_tool camwatch start c/sink
  wait_until 5 up
  run_tool camwatch stop c
  has_state source stopped
  run_tool 75 camwatch start c/sink
  run_tool camwatch start c
  wait_until 5 up
  run_tool camwatch stop
  ends watch
  gone
}

@test "a stop ends the source first; what it has sent still arrives" {
  cat >c.yaml <<Y
version: 1
chains:
  c:
    stages:
      source: {cmd: [sh, -c, "trap 'echo last; exit 0' TERM; while :; do echo x; sleep 0.05; done"]}
      filter: {from: source, cmd: [sh, -c, "trap '' TERM; sleep 0.3; exec cat"]}
      sink: {from: filter, cmd: [tee, $PWD/sunk]}
Y
  start watch camwatch run -c c.yaml
  wait_until 10 test -s sunk
  stop watch
  assert_equal "$(tail -1 sunk)" last
}

# held_source ORDER...: restarts the chain "c", whose source ends when `go` is there; gives ORDER meanwhile, which must be final
held_source() {
  cat >c.yaml <<Y
version: 1
defaults: {stop: {drain: 20s, term: 20s}}
chains:
  c:
    stages:
      source: {cmd: [sh, -c, "echo >>$PWD/starts; trap 'touch $PWD/asked; until test -e $PWD/go; do sleep 0.05; done; exit 0' TERM; while :; do sleep 0.05; done"]}
Y
  start watch camwatch run -c c.yaml
  wait_until 10 test -s starts
  start again camwatch restart c
  expect_exit again 75
  wait_until 10 test -e asked
  "$@"
  touch go
  ends again
  assert_contains "$(cat again.err)" "c was stopped"
}

@test "SIGTERM while a chain restarts ends camwatch, which starts nothing again" {
  terminate() { kill -TERM "$watch_pid" && wait_for_line 10 watch.err stopping; }
  held_source terminate
  ends watch
  assert_equal "$(wc -l <starts)" 1 starts
}

@test "a chain that is stopped while it restarts stays stopped" {
  stop_it() { start stopping camwatch stop c && wait_for_line 10 watch.err "c: stopped by command"; }
  held_source stop_it
  ends stopping
  assert_equal "$(camwatch status --json | jq -r '.chains[0].state')" stopped state
  assert_equal "$(wc -l <starts)" 1 starts
  run_tool camwatch start c
  wait_until 10 up
}

@test "what does not end is killed after drain and term" {
  cat >c.yaml <<Y
version: 1
defaults: {stop: {drain: 200ms, term: 200ms}}
chains:
  c:
    stages:
      source: {cmd: [sh, -c, "trap '' TERM; while :; do sleep 0.05; done"]}
      sink: {from: source, cmd: [sh, -c, "trap '' TERM; echo up >$PWD/up; while :; do sleep 0.05; done"]}
Y
  start watch camwatch run -c c.yaml
  wait_until 10 test -s up
  local began=$SECONDS
  stop watch
  assert_between $((SECONDS - began)) 0 4 seconds
}

@test "camwatch logs shows what stages said, of one chain or stage, and follows" {
  three_stages
  run_tool camwatch logs c/filter
  assert_contains "$output" "filter["
  [[ $output != *"sink["* ]]
  run_tool camwatch logs -n 100
  assert_contains "$output" " c/sink["
  start follow camwatch logs -f c
  wait_for_line 5 follow.out "ready"
  echo "exit 3" >filter
  wait_for_line 10 follow.out "camwatch: filter: exit 3: told to exit 3: starting again in"
  wait_for_line 10 follow.out "told to exit 3"
  run_tool 66 camwatch logs nobody
}

@test "passwords are in no log, no status and no line" {
  cat >c.yaml <<'Y'
version: 1
chains:
  c:
    stages:
      s: {cmd: [sh, -c, "echo cannot open rtsp://me:hunter2@cam/x >&2; exec sleep 60", "rtsp://me:hunter2@cam/x"]}
Y
  start watch camwatch run -c c.yaml --echo
  wait_for_line 10 watch.err "rtsp://me:***@cam/x"
  wait_for_line 10 state/campipe/log/c.log "rtsp://me:***@cam/x"
  run_tool camwatch status --json
  [[ $output$(cat watch.err watch.out state/campipe/log/*) != *hunter2* ]]
}

@test "stages see a clean environment: no signal ignored, no stray descriptor, notify socket and clock of their own" {
  cat >c.yaml <<Y
version: 1
defaults: {restart: {when: never}}
chains:
  c:
    stages:
      s: {cmd: [sh, -c, "ls /proc/self/fd | tr '\\n' ' '; grep -E 'Sig(Blk|Ign)' /proc/self/status; ulimit -n; env"], limits: {nofile: 123}, env: {MINE: "yes"}}
Y
  NOTIFY_SOCKET=/dev/null/x CAMPIPE_CLOCK=mine LISTEN_FDS=1 run_tool camwatch run -c c.yaml --echo 5</dev/null
  assert_contains "$stderr" "0 1 2 3 "
  [[ $stderr != *"0 1 2 3 4 5"* ]]
  assert_contains "$stderr" "SigBlk:	0000000000000000"
  assert_contains "$stderr" "SigIgn:	0000000000000000"
  assert_contains "$stderr" "c/s: 123"
  assert_contains "$stderr" "MINE=yes"
  assert_contains "$stderr" "NOTIFY_SOCKET=@campipe-"
  [[ $stderr =~ CAMPIPE_CLOCK=[0-9]+:[0-9]+: ]]
  [[ $stderr != *LISTEN_FDS* ]]
}

@test "camwatch tells systemd READY, STATUS, WATCHDOG and STOPPING" {
  cat >listen.py <<'P'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
with open("told", "ab", 0) as out:
    while True:
        out.write(s.recv(65536) + b"\n")
P
  start listen $PYTHON listen.py
  wait_until 5 test -S notify
  printf 'version: 1\nchains: {c: {stages: {s: {cmd: [sleep, "60"]}}}}\n' >c.yaml
  NOTIFY_SOCKET=$PWD/notify start watch camwatch run -c c.yaml
  wait_for_line 5 told "READY=1"
  wait_for_line 5 told "WATCHDOG=1"
  wait_for_line 5 told "STATUS=c: s running"
  kill -TERM "$watch_pid"
  wait_for_line 5 told "STOPPING=1"
}

@test "a hook is told of a stage that fails again and again" {
  cat >c.yaml <<Y
version: 1
defaults: {restart: {first: 10ms, max: 20ms}}
hooks: {failing: [sh, -c, 'echo "\$1" >>$PWD/hooked', sh, "{chain}/{stage}: {reason}"]}
chains:
  c:
    stages:
      good: {cmd: [sleep, "60"]}
      bad: {from: good, cmd: [sh, -c, "exit 7"]}
Y
  start watch camwatch run -c c.yaml
  wait_for_line 10 hooked "c/bad: exit 7"
  failing() { camwatch status --json | jq -e '.chains[0].state == "failing" and .chains[0].stages[1].failing'; }
  wait_until 5 failing
  assert_equal "$(wc -l <hooked)" 1
  run_tool 1 camwatch status
  assert_contains "$output" "1 chain: 1 failing"
  run_tool 1 camwatch status c
  run_tool 1 camwatch status c/bad
  run_tool camwatch status c/good
}

@test "a stage that dies is told with its last line: on stderr, in the status, and to the hook" {
  cat >c.yaml <<Y
version: 1
defaults: {restart: {first: 10ms, max: 20ms}}
hooks: {failing: [sh, -c, 'echo "\$1" >>$PWD/hooked', sh, "{event} {chain}/{stage}: {reason}"]}
chains:
  c:
    stages:
      serve: {cmd: [sh, -c, "echo first >&2; echo 'sh: --http 127.0.0.1:1: Address already in use' >&2; exit 75"]}
Y
  start watch camwatch run -c c.yaml
  told="exit 75: busy: --http 127.0.0.1:1: Address already in use"
  wait_for_line 10 hooked "failing c/serve: $told"
  wait_for_line 10 watch.err "c/serve: $told: starting again in"
  run_tool 1 camwatch status
  assert_contains "$output" "$told"
  camwatch status --json | jq -e '.chains[0].stages[0] | .last_exit == "exit 75: busy" and .restarts >= 3 and
    .last_words == "--http 127.0.0.1:1: Address already in use"'
}

@test "a camera that only waits is lost: hook, state, reason and exit code; and recovered when frames flow" {
  cat >c.yaml <<Y
version: 1
hooks:
  lost-after: 2s
  lost: [sh, -c, 'echo "\$1" >>$PWD/hooked', sh, "{event} {chain}/{stage}: {reason}"]
  recovered: [sh, -c, 'echo "\$1" >>$PWD/hooked', sh, "{event} {chain}/{stage}: {reason}"]
chains:
  c:
    env: {FAKE_NAME: "\${stage}"}
    stages:
      source: {cmd: [$FAKE, source]}
      sink: {from: source, cmd: [$FAKE, sink, $PWD/sunk]}
Y
  start watch camwatch run -c c.yaml
  wait_until 10 test -s sunk
  run_tool camwatch status
  echo wait >source
  wait_for_line 20 hooked "lost c/source: told to wait"
  wait_for_line 10 watch.err "c/source: its source has been lost for"
  run_tool 1 camwatch status
  assert_contains "$output" "told to wait"
  camwatch status --json | jq -e '.chains[0] | .state == "lost" and (.stages[0] | .state == "lost" and .lost and .restarts == 0)
    and (.stages[1].lost | not)'
  run_tool 1 camwatch status c/source
  run_tool camwatch status c/sink
  echo go >source
  wait_for_line 20 hooked "recovered c/source: frames flow again after"
  run_tool camwatch status
  assert_equal "$(wc -l <hooked)" 2 "$(cat hooked)"
}

@test "camgrab that waits for its camera is lost, with what it says as the reason" {
  cat >c.yaml <<Y
version: 1
hooks: {lost-after: 2s, lost: [sh, -c, 'echo "\$1" >>$PWD/hooked', sh, "{chain}/{stage}: {reason}"]}
chains:
  c:
    stages:
      grab: {cmd: [camgrab, "rtsp://127.0.0.1:$(free_port)/x", --wait]}
      enc: {from: grab, cmd: [camenc]}
      rec: {from: enc, cmd: [camrec, $PWD/rec]}
Y
  start watch camwatch run -c c.yaml
  wait_for_line 30 hooked "c/grab: "
  assert_contains "$(cat hooked)" "Connection refused"
  assert_equal "$(wc -l <hooked)" 1 "the stages behind it are its victims: $(cat hooked)"
  run_tool 1 camwatch status
  assert_contains "$output" "Connection refused"
}
