# Rings: what is refused, and with which words.
load helper
load shm_helper

# refuses CODE TEXT COMMAND...
refuses() {
  local code=$1 text=$2
  shift 2
  run_tool "$code" "$@"
  assert_contains "$stderr" "$text"
}

@test "names that are none are refused by every tool" {
  for name in '' ../x a.b.c 'a b' a/b .x x. a.ctl; do
    refuses 64 "ring's name" camgrab pattern -n 1 -o "shm:$name"
    refuses 64 "ring's name" camenc -i "shm:$name"
    refuses 64 "ring's name" camrec -i "shm:$name" rec
    refuses 64 "ring's name" camserve --http 127.0.0.1:0 "cam=shm:$name"
  done
}

@test "a second writer is refused with 75 and the first is not disturbed" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  wait_until 10 ring_there .raw
  refuses 75 "shm:$R.raw" camgrab pattern -n 1 -o "shm:$R.raw"
  run_tool camgrab pattern -s 64x48 -n 2 -o in.nut
  refuses 75 "shm:$R.raw" camenc -i in.nut -c raw -o "shm:$R.raw"
  run_tool camenc -i "shm:$R.raw" -c copy -n 3 -o out.nut
  assert_equal "$(count_frames out.nut)" 3
}

@test "another user's ring is not written to, and read only where its mode lets one" {
  as_nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups --)
  start grab "${as_nobody[@]}" "$CAMPIPE_BIN/camgrab" pattern -s 320x240 -r 15 --ring-mode 0600 -o "shm:$R.raw" --quiet
  wait_until 10 ring_there .raw
  refuses 77 "nobody" camgrab pattern -n 1 -o "shm:$R.raw"
  start mine camgrab pattern -s 320x240 -r 15 --ring-mode 0600 -o "shm:$R-mine.raw" --quiet
  wait_until 10 ring_there -mine.raw
  refuses 77 "--ring-mode" "${as_nobody[@]}" "$CAMPIPE_BIN/camenc" -i "shm:$R-mine.raw" -c copy -n 1 -o /dev/null
  start open camgrab pattern -s 320x240 -r 15 --ring-mode 0644 -o "shm:$R-open.raw" --quiet
  wait_until 10 ring_there -open.raw
  run_tool "${as_nobody[@]}" "$CAMPIPE_BIN/camenc" -i "shm:$R-open.raw" -c copy -n 3 -o /dev/null
  assert_equal "$(stat -c %a "/dev/shm/campipe.$R-open.raw")" 644
}

@test "--ring-group gives the ring to a group, by name or number" {
  for group in games "$(getent group games | cut -d: -f3)"; do
    start grab camgrab pattern -s 320x240 -r 15 --ring-group "$group" -o "shm:$R.raw" --quiet
    wait_until 10 ring_there .raw
    assert_equal "$(stat -c '%G %a' "/dev/shm/campipe.$R.raw")" "games 640"
    assert_equal "$(stat -c '%G %a' "/dev/shm/campipe.$R.raw.ctl")" "games 660"
    run_tool setpriv --reuid=nobody --regid=games --clear-groups -- "$CAMPIPE_BIN/camenc" -i "shm:$R.raw" -c copy -n 3 -o /dev/null
    stop grab
  done
}

@test "--ring options that cannot be are refused" {
  for tool in "camgrab pattern" camenc; do
    for mode in 0999 8 0440 0060 0777 word 1600; do refuses 64 "--ring-mode" $tool --ring-mode $mode -o "shm:$R.x"; done
    for slots in 4 65 -1 many; do refuses 64 "--ring-slots" $tool --ring-slots $slots -o "shm:$R.x"; done
    for size in 1000 2GiB big; do refuses 64 "--ring-size" $tool --ring-size $size -o "shm:$R.x"; done
    refuses 64 "there is no group" $tool --ring-group no-such-group -o "shm:$R.x"
    for option in "--ring-mode 0600" "--ring-slots 8" "--ring-size 4MiB" "--ring-group games"; do
      refuses 64 "no output is a ring" $tool $option -o out.nut
    done
  done
  no_rings
}

@test "--ring-slots and --ring-size set how much a ring holds" {
  start grab camgrab pattern -s 320x240 -r 15 --ring-slots 20 -o "shm:$R.raw" --quiet
  start enc camenc -i "shm:$R.raw" --ring-size 4MiB -o "shm:$R.mjpeg" --quiet
  wait_until 10 ring_there .mjpeg
  assert_between "$(stat -c %s "/dev/shm/campipe.$R.raw")" $((20 * 320 * 240 * 3 / 2)) $((22 * 320 * 240 * 3 / 2))
  assert_between "$(stat -c %s "/dev/shm/campipe.$R.mjpeg")" $((4 << 20)) $((5 << 20))
}

@test "a ring takes no --output-format, and no --input-format" {
  refuses 64 "carries packets" camgrab pattern --output-format y4m -o "shm:$R.raw"
  refuses 64 "carries packets" camenc --output-format mjpeg -o "shm:$R.mjpeg" </dev/null
  refuses 64 "says itself" camenc -i "shm:$R.raw" --input-format h264
  refuses 64 "says itself" camrec -i "shm:$R.raw" --input-format h264 rec
  no_rings
}

@test "raw pictures in a ring are refused by camserve and camrec with the way to do it" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  refuses 65 "camenc" camserve --http 127.0.0.1:0 --rtsp none "shm:$R.raw"
  refuses 65 "camenc" camrec -i "shm:$R.raw" rec
}

@test "a ring that is none is refused with the remedy, and left alone" {
  head -c 100000 /dev/urandom >"/dev/shm/campipe.$R.raw"
  refuses 65 "camring rm $R.raw" camenc -i "shm:$R.raw"
  assert_equal "$(stat -c %s "/dev/shm/campipe.$R.raw")" 100000
}

@test "a stream of a ring is named after it up to the dot" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  start enc camenc -i "shm:$R.raw" -o "shm:$R.mjpeg" --quiet
  start serve camserve --http 127.0.0.1:0 --rtsp none "shm:$R.mjpeg" "hall/low=shm:$R.mjpeg"
  wait_for_line 10 serve.err "$R: mjpeg"
  wait_for_line 10 serve.err "hall/low: mjpeg"
}
