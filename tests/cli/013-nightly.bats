# tests/nightly.sh: its parts one by one, how it closes, and that its load ends with it. What the parts run is played by stubs.
load helper

prepare() {
  mkdir -p tests/support scripts bin
  cp "$ROOT/tests/nightly.sh" tests/
  cp "$ROOT/tests/support/under_load.sh" tests/support/
  printf '#!/bin/sh\necho "run.sh strict=$CAMPIPE_STRICT $*"\n[ ! -e fail ]\n' >tests/run.sh
  printf '#!/bin/sh\necho "fuzz.sh $*"\n' >scripts/fuzz.sh
  printf '#!/bin/sh\necho "deploy_chroot.py [$*]"\n' >tests/deploy_chroot.py
  printf '#!/bin/sh\necho "compat.sh"\n' >tests/compat.sh
  printf '#!/bin/sh\n' >bin/cmake
  chmod +x tests/run.sh tests/compat.sh tests/deploy_chroot.py scripts/fuzz.sh bin/cmake
  PATH=$PWD/bin:$PATH
}

@test "nightly.sh lists its parts and refuses others" {
  run_tool tests/nightly.sh --list
  assert_equal "$output" $'asan\ntsan\nloaded\nfuzz\nsoak\ncompat\ndeploy'
  run_tool tests/nightly.sh --help
  for part in asan tsan loaded fuzz soak compat deploy; do assert_contains "$output" "  $part "; done
  run_tool 64 tests/nightly.sh asna
  assert_contains "$stderr" "asna: no such part"
  LOADED_RUNS=none run_tool 64 tests/nightly.sh loaded
}

@test "a part runs alone, strictly, and the last line sums up" {
  run_tool tests/nightly.sh tsan
  assert_contains "$output" "run.sh strict=1 --preset tsan --no-install unit badinput cli faults"
  assert_contains "${lines[-2]}" "tsan: ok in "
  assert_equal "${lines[-1]}" "1 passed, 0 failed, 6 skipped"
  FUZZ_SECONDS=7 run_tool tests/nightly.sh fuzz
  assert_contains "$output" "fuzz.sh 7"
  run_tool tests/nightly.sh deploy
  assert_contains "$output" "deploy_chroot.py []"
  DEPLOY_FOLDER="/var/tmp/two words" run_tool tests/nightly.sh deploy
  assert_contains "$output" "deploy_chroot.py [/var/tmp/two words]"
}

@test "all parts run though one fails, and the exit status tells" {
  touch fail
  LOADED_RUNS=2 run_tool 1 tests/nightly.sh
  for part in asan tsan loaded soak; do assert_contains "$output" "$part: FAILED in "; done
  for part in fuzz compat deploy; do assert_contains "$output" "$part: ok in "; done
  assert_contains "$output" "loaded: 2 of 2 runs failed"
  assert_equal "${lines[-1]}" "3 passed, 4 failed, 0 skipped"
}

@test "the load is there while the command runs and gone afterwards, also when it is stopped" {
  load_of() { pgrep -s "$1" -f '^bash -c while .* under_load [0-9]+$'; }
  start loaded tests/support/under_load.sh 3 sleep 60
  has_load() { [ "$(load_of "$loaded_pid" | wc -l)" = "$1" ]; }
  wait_until 10 has_load 3
  expect_exit loaded 143
  stop loaded
  has_load 0
  run_tool 7 tests/support/under_load.sh 3 sh -c 'exit 7'
}
