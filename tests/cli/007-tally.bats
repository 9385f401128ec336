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
