# Closed standard descriptors, file-size limits and devices that are not there: an error, never a wait or a wrong file.
load helper

# Runs a command with a descriptor closed; its exit status, its messages in $stderr.
without() { # FD COMMAND...
  local fd=$1
  shift
  run --separate-stderr timeout -k 1 10 bash -c "exec $fd<&-; exec \"\$@\"" bash "$@"
}

@test "a closed standard input is no input" {
  mkdir rec
  touch rec/.camrec-root
  for command in "camserve --http 127.0.0.1:0 --rtsp none" "camrec rec" "camenc -o out.nut" "camenc -i fd:0 -o out.nut"; do
    without 0 $command
    assert_equal "$status" 66 "$command"
    assert_contains "$stderr" "no such descriptor is open"
  done
}

@test "a closed standard output is no output" {
  camgrab pattern --size 64x48 -n 2 --quiet >in.nut
  export CAMPIPE_RING_DIR=$PWD
  start grab camgrab pattern --size 64x48 --rate 5 --quiet -o shm:closed.raw
  for command in "camgrab pattern -n 2" "camenc -i in.nut" "camring tap -n 1 closed.raw"; do
    without 1 $command
    assert_equal "$status" 73 "$command"
    assert_contains "$stderr" "stdout: no such descriptor is open"
  done
  stop grab
}

@test "with all three closed nothing is written where it does not belong" {
  camgrab pattern --size 64x48 -n 5 --quiet >in.nut
  run timeout -k 1 10 bash -c 'exec <&- >&- 2>&-; exec camenc -i in.nut -c mjpeg -o out.nut'
  assert_equal "$status" 0
  run_tool camenc --quiet -i out.nut -c raw -o frames.nut
  assert_equal "$stderr" ""
}

@test "a device that is not there is not made as a file" {
  for path in /dev/campipe-no-such-device //dev/../dev/campipe-no-such-device; do
    run_tool 73 camgrab pattern -n 1 -o "$path"
    assert_contains "$stderr" "no such device"
    [ ! -e /dev/campipe-no-such-device ]
  done
  ln -s /dev/campipe-no-such-device link
  run_tool 73 camgrab pattern -n 1 -o link
  [ ! -e /dev/campipe-no-such-device ]
  camgrab pattern --size 64x48 -n 1 --quiet -o /dev/null
  camgrab pattern --size 64x48 -n 1 --quiet -o /dev/stdout >in.nut
  [ -s in.nut ]
}

@test "a file-size limit is an error that is told" {
  run --separate-stderr bash -c 'ulimit -f 10; exec camgrab pattern --size 320x240 -n 50 -o big.nut'
  [ "$status" = 73 ] || [ "$status" = 74 ]
  assert_contains "$stderr" "File too large"
}
