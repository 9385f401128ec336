# Streams through rings: what comes out, in which order things start, who may come and go.
load helper
load shm_helper

@test "what comes out of a ring of H.264 is what went in, bit for bit at its microsecond" {
  start grab camgrab pattern -s 320x240 -r 30 -o "shm:$R.raw" --quiet
  start enc camenc -i "shm:$R.raw" -c h264 -o "shm:$R.h264" -o direct.nut --quiet
  run_tool camenc -i "shm:$R.h264" -c copy -n 60 -o ring.nut
  stop enc
  packets ring.nut >got
  assert_equal "$(wc -l <got)" 60
  packets direct.nut >sent
  # A run of what was sent, without a gap.
  first=$(grep -nxF "$(head -1 got)" sent | cut -d: -f1)
  cmp got <(tail -n +"$first" sent | head -60)
}

@test "raw pictures keep their times and numbers through a ring" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" -o direct.nut --quiet
  run_tool camenc -i "shm:$R.raw" -c copy -n 30 -o ring.nut
  stop grab
  numbered ring.nut 320 240 >got
  assert_equal "$(wc -l <got)" 30
  assert_equal "$(grep -cxFf <(numbered direct.nut 320 240) got)" 30 "pictures that are among those sent"
  assert_equal "$(sort -u got | sort -n)" "$(cat got)" "once each and in order"
}

@test "a camera's raw pictures are in a ring what they are in a pipe" {
  start grab env LD_PRELOAD="$CAMPIPE_BIN/../lib/libcamera_shim.so" camgrab /dev/video99 -s 640x480 -o "shm:$R.raw" -o direct.nut --quiet
  run_tool camenc -i "shm:$R.raw" -c copy -n 30 -o ring.nut
  stop grab
  packets ring.nut >got
  assert_equal "$(wc -l <got)" 30
  assert_equal "$(grep -cxFf <(packets direct.nut) got)" 30 "pictures that are among those of the pipe"
}

@test "a chain over rings may be started from its end" {
  start serve camserve --http 127.0.0.1:0 --rtsp none "shm:$R.mjpeg"
  wait_for_line 10 serve.err "waiting for shm:$R.mjpeg: nobody has made it yet"
  start rec camrec -i "shm:$R.h264" rec
  wait_for_line 10 rec.err "waiting for shm:$R.h264: nobody has made it yet"
  start jpeg camenc -i "shm:$R.raw" -o "shm:$R.mjpeg"
  wait_for_line 10 jpeg.err "waiting for shm:$R.raw: nobody has made it yet"
  start avc camenc -i "shm:$R.raw" -c h264 -o "shm:$R.h264"
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw"
  for name in serve rec jpeg avc; do wait_for_line 20 $name.err ": it is there"; done
  HTTP=$(grep -oE 'http://[^/]+' serve.err | head -1)
  curl -fsS --max-time 20 -o still.jpg "$HTTP/snapshot/$R"
  assert_equal "$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 still.jpg)" 320,240
  wait_until 20 compgen -G "rec/$R/live/*.part"
  sleep_free=$(compgen -G "rec/$R/live/*.part" | head -1)
  grows "$sleep_free"
  for name in serve rec jpeg avc; do assert_equal "$(line_count $name.err waiting)" 1 "lines about waiting of $name"; done
  pid=rec_pid
  stop rec
  file=$(find rec -name '*.mp4')
  assert_between "$(count_frames "$file")" 3 100000 "frames recorded"
  assert_equal "$(line_count rec.err "recording to")" 1
}

@test "one ring feeds many, and who comes later or leaves disturbs nobody" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  start enc camenc -i "shm:$R.raw" -c mjpeg -o "shm:$R.mjpeg" --quiet
  start first camenc -i "shm:$R.mjpeg" -c copy -n 60 -o first.nut --quiet
  for i in 1 2 3; do
    run_tool camenc -i "shm:$R.mjpeg" -c copy -n 5 -o "later$i.nut"
  done
  start killed camenc -i "shm:$R.mjpeg" -c copy -o killed.nut --quiet
  grows killed.nut
  kill_hard killed
  start stopped camenc -i "shm:$R.mjpeg" -c copy -o stopped.nut --quiet
  grows stopped.nut
  kill -STOP "$stopped_pid"
  ends first
  kill -CONT "$stopped_pid"
  numbers=$(counters first.nut 320 240)
  assert_equal "$numbers" "$(seq "$(head -1 <<<"$numbers")" $(($(head -1 <<<"$numbers") + 59)))" "counters of the first"
  for i in 1 2 3; do assert_equal "$(count_frames "later$i.nut")" 5; done
  grows stopped.nut
}

@test "rings are gone when the last who used them is" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  start enc camenc -i "shm:$R.raw" -o "shm:$R.mjpeg" --quiet
  wait_until 10 ring_there .mjpeg
  stop grab
  ring_there .raw
  stop enc
  no_rings
}

@test "camenc skips what it has no time for, and tells" {
  start grab camgrab pattern -s 1920x1080 -r 60 -o "shm:$R.raw" --quiet
  start enc camenc -i "shm:$R.raw" -c h264 -p veryslow --threads 1 -o out.nut --stats 1s
  wait_for_line 30 enc.err "dropped"
  grows out.nut 60
}

@test "a file goes into a ring with what sounds beside it" {
  ffmpeg -v error -f lavfi -i testsrc=s=320x240:r=30 -f lavfi -i sine -t 5 -c:v libx264 -preset ultrafast -g 30 -bf 0 -c:a aac film.mp4
  start grab camgrab film.mp4 --realtime --loop -o "shm:$R.h264" --quiet
  start copy camenc -i "shm:$R.h264" -c copy -o copy.nut --quiet
  wait_until 20 bigger_than copy.nut 100000
  stop copy
  assert_equal "$(ffprobe -v error -show_entries stream=codec_name -of csv=p=0 copy.nut | paste -sd' ')" "h264 aac"
}

@test "a file that goes into a ring faster than it plays says so" {
  run_tool camgrab pattern -s 64x48 -n 3 -o film.nut
  run_tool camgrab film.nut -o "shm:$R.raw"
  assert_contains "$stderr" "--realtime slows it down"
  no_rings
}

@test "the pattern is in the ring's own memory: a reader's picture is the writer's page" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" -o out.nut --quiet
  grows out.nut
  start slow camenc -i "shm:$R.raw" -c copy -o copy.nut --quiet
  grows copy.nut
  # What a picture costs the writer besides the pipe: nothing that is as big as one is ever allocated for it.
  assert_contains "$(cat "/proc/$grab_pid/maps")" "/dev/shm/campipe.$R.raw"
  assert_contains "$(cat "/proc/$slow_pid/maps")" "/dev/shm/campipe.$R.raw"
  assert_equal "$(grep "campipe.$R.raw$" "/proc/$slow_pid/maps" | grep -c ' rw')" 0 "mappings that a reader could write to"
}
