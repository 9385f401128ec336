# camwatch takes another configuration while it runs.
load helper

prepare() {
  export XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state
  mkdir -m 700 run
}

# config CHAIN=WORD...: each chain has one stage, which sleeps and has WORD among its own
config() {
  printf 'version: 1\nchains:\n'
  for chain; do
    printf '  %s: {stages: {s: {cmd: [sh, -c, "trap exit TERM; while :; do sleep 0.05; done", %s]}}}\n' "${chain%=*}" "${chain#*=}"
  done
}
pid_of() { camwatch status --json | jq ".chains[] | select(.name == \"$1\") | .stages[0].pid"; }
up() { camwatch status --json | jq -e '[.chains[].stages[].pid] | all(. != null)'; }
names() { camwatch status --json | jq -r '[.chains[].name] | join(" ")'; }
are() { [ "$(names)" = "$1" ]; }
gone() { ! kill -0 "$1"; }

running() {
  config a=1 b=1 c=1 >c.yaml
  start watch camwatch run -c c.yaml
  wait_until 10 up
  a=$(pid_of a) b=$(pid_of b) c=$(pid_of c)
}

@test "camwatch reload starts, ends and restarts what is different and lists it; the rest keeps its pids" {
  running
  config d=1 a=1 b=2 >c.yaml
  run_tool camwatch reload -c c.yaml
  assert_equal "$output" "c.yaml: reloaded
  started: d
  ended: c
  restarted: b
  unchanged: a"
  assert_equal "$(names)" "d a b"
  assert_equal "$(pid_of a)" "$a"
  [ "$(pid_of b)" != "$b" ]
  gone "$c"
  tr '\0' ' ' <"/proc/$(pid_of b)/cmdline" | grep -q ' 2 $'
}

@test "camwatch reload with a file that is wrong names the place, exits as check does, and changes nothing" {
  running
  cp c.yaml good.yaml
  for bad in 'colour: red' 'hooks: {lost: tell}'; do
    cp good.yaml c.yaml
    echo "$bad" >>c.yaml
    run_tool 78 camwatch check -c c.yaml
    place=$stderr
    run_tool 78 camwatch reload -c c.yaml
    assert_equal "$stderr" "$place"
    # asked without the file, the running camwatch finds the same
    run_tool 78 camwatch reload --control "$PWD/run/campipe/camwatch.sock"
    assert_equal "$stderr" "$place"
  done
  config a=1 b=1 >c.yaml
  sed -i 's/\[sh/[no-such-program/' c.yaml
  run_tool 78 camwatch reload -c c.yaml
  assert_contains "$stderr" "c.yaml:3:26: a/s: there is no program 'no-such-program'"
  { cat good.yaml && echo '  d: {stages: {s: {cmd: [camgrab, pattern, --ratee, "5", -o, shm:x]}}}'; } >c.yaml
  run_tool 78 camwatch reload -c c.yaml
  assert_contains "$stderr" "c.yaml:6:44: d/s: "
  assert_contains "$stderr" "--ratee"
  assert_equal "$(pid_of a) $(pid_of b) $(pid_of c)" "$a $b $c"
  assert_equal "$(names)" "a b c"
}

@test "SIGHUP reloads where there is no terminal, and a wrong file is told" {
  running
  config a=1 b=1 >c.yaml
  kill -HUP "$watch_pid"
  wait_until 10 are "a b"
  wait_for_line 10 watch.err "c.yaml: reloaded: c ended"
  assert_equal "$(pid_of a) $(pid_of b)" "$a $b"
  echo "colour: red" >>c.yaml
  kill -HUP "$watch_pid"
  wait_for_line 10 watch.err "c.yaml:5:1: colour: unknown key"
  assert_equal "$(pid_of a) $(pid_of b)" "$a $b"
}

@test "SIGHUP of a terminal that goes ends camwatch and its stages" {
  config a=1 >c.yaml
  cat >on_terminal.py <<'P'
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("camwatch", ["camwatch", "run", "-c", "c.yaml"])
print(pid, flush=True)
while not os.path.exists("hang_up"):
    time.sleep(0.05)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
P
  start terminal "$PYTHON" on_terminal.py
  wait_until 10 up
  a=$(pid_of a)
  touch hang_up
  ends terminal
  assert_equal "$(tail -1 terminal.out)" 0 "exit code"
  gone "$a"
}

@test "camwatch reload of a pipeline: there is no file" {
  start watch camwatch run -- "sleep 100"
  wait_until 10 up
  run_tool 66 camwatch reload
  assert_contains "$stderr" "camwatch runs a pipeline"
  run_tool camwatch stop
  ends watch
}

@test "camwatch reload without a camwatch exits 69, and of a file that is not there 66" {
  config a=1 >c.yaml
  run_tool 69 camwatch reload -c c.yaml
  run_tool 66 camwatch reload -c none.yaml
}
