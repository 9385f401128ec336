# The tests' own harness: what a background process does wrong fails its test.
load helper

# verdict_on 'TEST BODY': what bats says of a file with this one test
verdict_on() {
  printf 'load "%s/tests/cli/helper"\n@test "inner" {\n%s\n}\n' "$ROOT" "$1" >inner.bats
  local path # without the programs that this bats has for itself
  path=$(tr : '\n' <<<"$PATH" | grep -v bats-core | paste -sd:)
  run env -i PATH="$path" HOME="$HOME" CAMPIPE_BIN="$CAMPIPE_BIN" STOP_LIMIT=2 bats --formatter tap inner.bats
}

passes() {
  verdict_on "$1"
  assert_equal "$status" 0 "$output"
}

# fails_with TEXT 'TEST BODY': that test fails, and this is said of it
fails_with() {
  verdict_on "$2"
  assert_equal "$status" 1 "$output"
  assert_contains "$output" "not ok 1 inner"
  assert_contains "$output" "$1"
}

# crashing: the programs ./crash and ./crash-on-term
crashing() {
  printf '#!/bin/sh\nkill -ABRT $$\n' >crash
  printf '#!/bin/bash\ntrap "kill -ABRT $$" TERM\ntouch up\nwhile :; do sleep 0.02; done\n' >crash-on-term
  chmod +x crash crash-on-term
}

# A program with a readiness that can be waited for, and SHELL TEXT that it runs on SIGTERM
on_term() { echo "start p bash -c 'trap \"$1\" TERM; touch up; while :; do sleep 0.02; done'; wait_until 5 test -e up"; }

@test "a process that ends in order passes: by itself, on SIGTERM, by SIGTERM as others do" {
  passes 'start p true'
  passes "$(on_term 'exit 0')"
  passes 'start p sleep 60'
  passes "$(on_term 'exit 255')" # ffmpeg
  passes 'start_sh p "sleep 60 | { touch up; exec cat; }"; wait_until 5 test -e up'
}

@test "a status on SIGTERM other than 0 fails" {
  fails_with "background process p: exit 1, expected one of: 0 141 143 255" "$(on_term 'exit 1')"
}

@test "a crash on SIGTERM fails" {
  fails_with "background process p: exit 134" "$(on_term 'kill -ABRT \$\$')"
  fails_with "background process p: exit 139" "$(on_term 'kill -SEGV \$\$')"
}

@test "a process that ended badly long before the test's end fails it" {
  fails_with "background process p: exit 3, expected one of: 0" 'start p sh -c "exit 3"; wait_until 5 not_running "$p_pid"'
  fails_with "background process p: exit 143, expected one of: 0" 'start p sh -c "kill \$\$"; wait_until 5 not_running "$p_pid"'
}

@test "a process that ignores SIGTERM is killed and fails" {
  fails_with "background process p: did not end within 2 s" "$(on_term '')"
  run ! pgrep -f "$BATS_TEST_TMPDIR/inner"
}

@test "a tool of ours may not die by SIGTERM" {
  mkdir bin
  printf '#!/bin/sh\ntouch up\nexec sleep 60\n' >bin/camserve
  chmod +x bin/camserve
  fails_with "background process p: exit 143, expected one of: 0 141" "start p '$PWD/bin/camserve'; wait_until 5 test -e up"
  fails_with "background process p: exit 143, expected one of: 0 141" "start p env A=b '$PWD/bin/camserve'; wait_until 5 test -e up"
}

@test "every member of a pipeline counts, the first as the last" {
  crashing
  for text in './crash | cat' 'true | ./crash' 'true | ./crash | true'; do
    fails_with "background process p: exit 134" "cd '$PWD'; start_sh p '$text'; ends p"
  done
  fails_with "background process p: exit 134" "cd '$PWD'; start_sh p 'sleep 60 | ./crash-on-term | cat'; wait_until 5 test -e up"
}

@test "what a test has announced passes, and only that" {
  passes 'start p sh -c "exit 69"; expect_exit p 69; ends p'
  fails_with "background process p: exit 0, expected one of: 69" 'start p true; wait_until 5 not_running "$p_pid"; expect_exit p 69'
  passes 'start p sleep 60; kill_hard p'
  fails_with "background process p: exit 137" 'start p sh -c "kill -KILL \$\$"; wait_until 5 not_running "$p_pid"'
}

@test "stop and ends judge at once" {
  fails_with 'stop p'"'"' failed' "$(on_term 'exit 5'); stop p"
  fails_with 'ends p'"'"' failed' 'start p sh -c "exit 5"; ends p'
}

@test "the report of a sanitizer fails, whatever the exit status" {
  fails_with "a sanitizer reported" 'start p sh -c "echo ==1==ERROR: AddressSanitizer: heap-use-after-free >&2"; wait_until 5 not_running "$p_pid"'
  fails_with "a sanitizer reported" 'start p sh -c "echo x.cpp:3:4: runtime error: signed integer overflow >&2"; wait_until 5 not_running "$p_pid"'
  fails_with "a sanitizer reported" 'echo "WARNING: ThreadSanitizer: data race" >kept.err'
}

@test "the report of a sanitizer whose stderr is thrown away fails" {
  cat >bug.c <<'C'
#include <stdlib.h>
int main(int count, char** words) {
  char* freed = malloc(1);
  free(freed);
  return freed[0] == words[0][count] ? 3 : 4;
}
C
  clang-19 -g -fsanitize=address bug.c -o bug
  # 1 is what AddressSanitizer exits with, and here the test wants it
  fails_with "heap-use-after-free" "run_tool 1 '$PWD/bug'"
  fails_with "heap-use-after-free" "run '$PWD/bug' 2>/dev/null"
  fails_with "heap-use-after-free" "start p '$PWD/bug'; expect_exit p 1; ends p"
}

@test "clean_up runs when a process failed, too" {
  fails_with "exit 3" 'clean_up() { touch '"$PWD"'/cleaned; }; start p sh -c "exit 3"; wait_until 5 not_running "$p_pid"'
  [ -e cleaned ]
}

@test "a machine that has no inotify instances, watches, ports or descriptors left is told by name" {
  limits=$ROOT/tests/support/machine_limits.py
  run_tool "$limits"
  assert_equal "$output" ""
  run -75 bash -c "ulimit -n 200; $limits"
  assert_contains "$output" "too few descriptors: ulimit -n is 200"
  # In a user namespace root has limits of its own.
  run -75 unshare -U -r sh -c "echo 5 >/proc/sys/user/max_inotify_instances; $limits"
  assert_contains "$output" "too few inotify instances: only 5 left of 48"
  run -75 unshare -U -r sh -c "echo 9 >/proc/sys/user/max_inotify_watches; $limits"
  assert_contains "$output" "too few inotify watches: only 9 left of 256"
  run -75 unshare -U -r -n sh -c "ip link set lo up; echo 50000 50020 >/proc/sys/net/ipv4/ip_local_port_range; $limits"
  assert_contains "$output" "too few TCP ports: only 2"
  assert_contains "$output" "too few UDP ports: only 2"
}

@test "a start that fails for want of descriptors says so" {
  verdict_on 'ulimit -n 40; start p sh -c "exit 71"; ends p'
  assert_contains "$output" "the machine has too few descriptors: ulimit -n is 40"
}

# The same for the Python programs

# python_verdict 'BODY OF with Scratch() as scratch': what a TAP program with it prints
python_verdict() {
  {
    echo "import os, signal, sys"
    echo "sys.path.insert(0, '$ROOT/tests/support')"
    echo "import harness"
    echo "from harness import Scratch, Tap, wait_until"
    echo "harness.STOP_LIMIT_S = 2"
    echo "tap = Tap()"
    echo "with Scratch() as scratch:"
    echo "    def runs(name='p'): return wait_until(5, lambda: 'up' in scratch.text(name + '.out'))"
    echo "    tap.ok(True, 'begun')"
    sed 's/^/    /' <<<"$1"
    echo "tap.done()"
  } >inner.py
  run timeout 60 "$PYTHON" inner.py
}
python_passes() {
  python_verdict "$1"
  assert_equal "$status" 0 "$output"
  assert_contains "$output" "1..1"
}
python_fails() { # TEXT BODY
  python_verdict "$2"
  assert_equal "$status" 1 "$output"
  assert_contains "$output" "not ok 2 background processes end in order"
  assert_contains "$output" "$1"
}
python_on_term() { echo "scratch.start(['bash', '-c', '''trap '$1' TERM; echo up; while :; do sleep 0.02; done'''], 'p'); runs()"; }

@test "Scratch passes what ends in order" {
  python_passes "scratch.start(['true'], 'p').wait()"
  python_passes "$(python_on_term 'exit 0')"
  python_passes "scratch.start(['sleep', '60'], 'p')"
  python_passes "scratch.start('sleep 60 | cat', 'p', shell=True)"
  python_passes "scratch.kill(scratch.start(['sleep', '60'], 'p'))"
  python_passes "scratch.expect(scratch.start(['sh', '-c', 'exit 69'], 'p'), 69).wait()"
}

@test "Scratch fails what ends otherwise: status, crash, hang, pipeline, announced and not come" {
  python_fails "p: exit 1" "$(python_on_term 'exit 1')"
  python_fails "p: exit -6" "$(python_on_term 'kill -ABRT $$')"
  python_fails "p: did not end within 2 s" "$(python_on_term '')"
  python_fails "p: exit 3" "scratch.start(['sh', '-c', 'exit 3'], 'p').wait()"
  crashing
  python_fails "p: exit 134" "scratch.start('$PWD/crash | cat', 'p', shell=True).wait()"
  python_fails "p: exit 0" "scratch.expect(scratch.start(['true'], 'p'), 69).wait()"
}

@test "Scratch fails when a sanitizer has reported" {
  python_fails "AddressSanitizer" "scratch.start(['sh', '-c', 'echo ==1==ERROR: AddressSanitizer: x >&2'], 'p').wait()"
  python_fails "ThreadSanitizer" "os.system('echo ThreadSanitizer: x >' + os.environ['TSAN_OPTIONS'].split('log_path=')[-1] + '.1')"
}
