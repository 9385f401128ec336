# The sums of tests/run.sh: what failed, what was flaky, and the line at the end.
load helper

prepare() { mkdir results; }

# tap NAME LINE...: a report
tap() { printf '%s\n' "${@:2}" >"results/$1"; }

# tallies CODE "LAST LINE"
tallies() {
  run_tool "$1" "$PYTHON" "$ROOT/tests/support/tally.py" results
  assert_equal "${lines[-1]}" "$2"
}

@test "passed, failed and skipped tests add up" {
  tap a.tap 1..3 "ok 1 one" "not ok 2 two" "ok 3 three # skip no camera"
  tap b.tap "ok 1 one" "ok 2 two" 1..2
  tallies 1 "3 passed, 1 failed, 1 skipped"
  assert_contains "$output" "failed: a: not ok 2 two"
  assert_contains "$output" "skipped: a: ok 3 three"
  tap a.tap 1..1 "ok 1 one"
  tallies 0 "3 passed, 0 failed, 0 skipped"
}

@test "tests that did not report and files without a plan fail" {
  tap a.tap 1..4 "ok 1 one"
  tallies 1 "1 passed, 3 failed, 0 skipped"
  assert_contains "$output" "failed: a: 3 tests did not report"
  tap a.tap "ok 1 one"
  tallies 1 "1 passed, 1 failed, 0 skipped"
}

@test "a folder without a test fails" {
  tallies 1 "0 passed, 1 failed, 0 skipped"
}

@test "what passes the second time is flaky: up to two pass, three fail, and under CAMPIPE_STRICT one does" {
  tap a.first 1..4 "not ok 1 one" "not ok 2 two" "ok 3 three" "ok 4 four"
  tap a.tap 1..4 "ok 1 one" "ok 2 two" "ok 3 three" "ok 4 four"
  tallies 0 "4 passed, 0 failed, 0 skipped"
  assert_equal "$(grep '^flaky: ' <<<"$output")" $'flaky: a: not ok 1 one\nflaky: a: not ok 2 two'
  CAMPIPE_STRICT=1 tallies 1 "2 passed, 2 failed, 0 skipped"
  assert_contains "$output" "failed: 2 tests are flaky, and 0 may be"
  tap b.first 1..1 "not ok 1 one"
  tap b.tap 1..1 "ok 1 one"
  tallies 1 "2 passed, 3 failed, 0 skipped"
  assert_contains "$output" "failed: 3 tests are flaky, and 2 may be"
}

@test "what fails twice has failed, and is not flaky" {
  tap a.first 1..2 "not ok 1 one" "ok 2 two"
  tap a.tap 1..2 "not ok 1 one" "ok 2 two"
  tallies 1 "1 passed, 1 failed, 0 skipped"
  [[ $output != *flaky* ]]
}

@test "a first run that was cut off is flaky" {
  tap a.first 1..3 "ok 1 one"
  tap a.tap 1..3 "ok 1 one" "ok 2 two" "ok 3 three"
  tallies 0 "3 passed, 0 failed, 0 skipped"
  assert_contains "$output" "flaky: a: 2 tests did not report"
}

@test "a unit test that fails, crashes, or leaks after its last case has failed" {
  mkdir results/gtest
  cat >results/ctest.xml <<'X'
<testsuite><testcase name="unit_good" status="run"/><testcase name="unit_bad" status="fail"/><testcase name="unit_crash" status="fail"/>
<testcase name="unit_leak" status="fail"/><testcase name="other" status="run"/></testsuite>
X
  echo '<testsuites tests="5" failures="0" errors="0"><testcase status="notrun"/></testsuites>' >results/gtest/unit_good.xml
  echo '<testsuites tests="3" failures="1" errors="0"></testsuites>' >results/gtest/unit_bad.xml
  echo '<testsuites tests="9"' >results/gtest/unit_crash.xml
  echo '<testsuites tests="4" failures="0" errors="0"></testsuites>' >results/gtest/unit_leak.xml
  tallies 1 "11 passed, 3 failed, 1 skipped"
  assert_equal "$(grep '^failed: ' <<<"$output" | tr '\n' ' ')" "failed: unit_bad failed: unit_crash failed: unit_leak "
}

# stub_tree: tests/run.sh with a suite cli of one file, and stubs of what it builds with; ctest fails when `unit-fails` is there
stub_tree() {
  mkdir -p tests/support tests/cli scripts bin
  cp "$ROOT/tests/run.sh" tests/
  cp "$ROOT/tests/support/tally.py" "$ROOT/tests/support/machine_limits.py" tests/support/
  printf '#!/bin/sh\n' >bin/cmake
  cat >bin/ctest <<'S'
#!/bin/sh
echo run >>ctest-runs
status=run
[ ! -e unit-fails ] || status=fail
while [ "$1" != --output-junit ]; do shift; done
echo "<testsuite><testcase name='unit_x' status='$status'/></testsuite>" >"$2"
S
  chmod +x bin/*
  sed 's/^TEST/@test/' >tests/cli/one.bats <<B # bats would take them for tests of this file
TEST "steady" {
  true
}
TEST "fails as often as it is told" {
  read -r left <"$PWD/failures"
  echo \$((left > 0 ? left - 1 : 0)) >"$PWD/failures"
  [ "\$left" = 0 ]
}
B
}

# suites CODE SUITE...: of the stub tree
suites() {
  run env -i PATH="$PWD/bin:$(tr : '\n' <<<"$PATH" | grep -v bats-core | paste -sd:)" HOME="$HOME" ${strict:+CAMPIPE_STRICT=1} \
    tests/run.sh --no-install "${@:2}"
  assert_equal "$status" "$1" "$output"
}

@test "run.sh runs a live test that failed once more and lists it; what fails twice has failed; strictly once is enough" {
  stub_tree
  echo 1 >failures
  suites 0 cli
  assert_contains "$output" "== once more: cli-one"
  assert_contains "$output" "flaky: cli-one: not ok 2 fails as often as it is told"
  assert_equal "${lines[-1]}" "2 passed, 0 failed, 0 skipped"
  echo 2 >failures
  suites 1 cli
  assert_equal "${lines[-1]}" "1 passed, 1 failed, 0 skipped"
  echo 1 >failures
  strict=1 suites 1 cli
  assert_equal "${lines[-1]}" "1 passed, 1 failed, 0 skipped"
}

@test "run.sh runs a unit test that failed no second time" {
  stub_tree
  touch unit-fails
  suites 1 unit
  assert_equal "${lines[-1]}" "0 passed, 1 failed, 0 skipped"
  assert_equal "$(wc -l <ctest-runs)" 1 "runs"
}

@test "run.sh says first what the machine has none left of" {
  stub_tree
  run bash -c "ulimit -n 200; PATH=$PWD/bin:\$PATH tests/run.sh --no-install unit"
  assert_equal "$status" 75
  assert_equal "$output" "the machine has too few descriptors: ulimit -n is 200: the tests need 950: ulimit -n 950"
}
