# camenc: what goes in and what comes out.
load helper

frames() { # WIDTH HEIGHT FRAMES [FPS]
  $PYTHON "$ROOT/tests/support/counted_frames.py" "$@"
}

# stream_entry FILE ENTRY: what ffprobe says of the video
stream_entry() {
  ffprobe -v error -select_streams v:0 -show_entries "stream=$2" -of csv=p=0 "$1" | head -1 | tr -d ','
}

numbers() { # FIRST LAST STEP
  seq "$1" "$3" "$2"
}

@test "camenc --help and --version answer on stdout" {
  run_tool camenc --help
  assert_contains "$output" "Examples:"
  run_tool camenc --version
  assert_contains "$output" "camenc "
}

@test "camenc makes MJPEG of raw pictures, each once and in order" {
  frames 320 240 30 | camenc >out.nut
  assert_equal "$(stream_entry out.nut codec_name)" mjpeg
  assert_equal "$(counters out.nut 320 240)" "$(seq 0 29)"
}

@test "camenc makes H.264 without B-frames, an IDR a second, each picture once and in order" {
  frames 640 360 65 | camenc -c h264 >out.nut
  assert_equal "$(stream_entry out.nut codec_name)" h264
  assert_equal "$(stream_entry out.nut has_b_frames)" 0
  assert_equal "$(stream_entry out.nut color_range)" tv
  assert_equal "$(counters out.nut 640 360)" "$(seq 0 64)"
  assert_equal "$(ffprobe -v error -show_entries frame=pict_type -of csv=p=0 out.nut | tr -d ',\n')" \
    "I$(printf 'P%.0s' {1..29})I$(printf 'P%.0s' {1..29})IPPPP"
}

@test "camenc -g sets the distance of keyframes" {
  frames 320 240 25 | camenc -c h264 -g 10 >out.nut
  assert_equal "$(ffprobe -v error -show_entries frame=key_frame -of csv=p=0 out.nut | tr -d ',\n')" "$(printf '1%s' 000000000 000000000 0000)"
}

@test "camenc holds the bit rate" {
  ffmpeg -v error -f lavfi -i testsrc2=s=640x360:r=30:d=6 -vf noise=alls=12:allf=t -pix_fmt yuv420p -f yuv4mpegpipe in.y4m
  camenc -c h264 -b 1M <in.y4m --output-format h264 >out.h264
  assert_between "$(stat -c %s out.h264)" 600000 900000 "bytes of 6 s at 1 Mbit/s"
}

@test "camenc decodes H.264 and MJPEG back into pictures" {
  for codec in mjpeg h264; do
    frames 320 240 20 | camenc -c $codec | camenc -c raw --output-format y4m >out.y4m
    assert_equal "$(counters out.y4m 320 240)" "$(seq 0 19)" $codec
  done
}

@test "camenc takes H.265" {
  ffmpeg -v error -f lavfi -i testsrc2=s=320x240:r=30:d=1 -c:v libx265 -x265-params log-level=error:bframes=2 -f hevc in.h265
  camenc --input-format h265 -c mjpeg <in.h265 >out.nut
  assert_equal "$(count_frames out.nut)" 30
}

@test "camenc puts H.264 with B-frames in the order it is shown in" {
  frames 320 240 30 >in.y4m
  ffmpeg -v error -i in.y4m -c:v libx264 -bf 3 -g 15 -preset medium -f nut in.nut
  camenc -c mjpeg <in.nut >out.nut
  assert_equal "$(counters out.nut 320 240)" "$(seq 0 29)"
}

@test "camenc passes a stream that is as asked through, and says so" {
  for codec in mjpeg h264; do
    frames 320 240 10 | camenc -c $codec >a.nut
    run_tool camenc -c $codec -i a.nut -o b.nut
    assert_contains "$stderr" "passing $codec 320x240 30 fps through: it is as asked"
    ffmpeg -v error -y -i a.nut -c copy -copyts -f framemd5 a.md5
    ffmpeg -v error -y -i b.nut -c copy -copyts -f framemd5 b.md5
    cmp a.md5 b.md5
  done
}

@test "camenc -q encodes MJPEG anew, and less quality takes less room" {
  frames 640 480 5 | camenc >a.nut
  camenc -q 20 <a.nut >b.nut
  camenc -q 95 <a.nut >c.nut
  assert_between "$(stat -c %s b.nut)" 1 $(($(stat -c %s a.nut) * 2 / 3))
  assert_between "$(stat -c %s c.nut)" "$(stat -c %s a.nut)" 99999999
}

@test "camenc -s scales, and one side keeps the shape" {
  frames 640 360 3 >in.y4m
  for case in 320x180=320x180 x180=320x180 320x=320x180 161x91=162x92; do
    camenc -s "${case%=*}" -c h264 <in.y4m >out.nut 2>err
    assert_equal "$(stream_entry out.nut width)x$(stream_entry out.nut height)" "${case#*=}" "$case"
  done
  camenc -s 320x180 <in.y4m >out.nut
  assert_equal "$(counters out.nut 320 180)" "$(seq 0 2)"
}

@test "camenc --output-format jpeg gives the first picture and ends at once, though the stream goes on" {
  mkfifo h.fifo
  start_sh endless "$PYTHON $ROOT/tests/support/counted_frames.py 320 240 1000000 | camenc -c h264 >h.fifo"
  run_tool camenc --output-format jpeg -i h.fifo -o now.jpg
  assert_equal "$(counters now.jpg 320 240)" 0
  expect_exit endless 141 # nobody reads what it writes
  ends endless
}

@test "camenc makes a JPEG of one H.264 access unit" {
  frames 320 240 3 | camenc -c h264 --output-format h264 >in.h264
  ffmpeg -v error -i in.h264 -frames:v 1 -c copy -f h264 one.h264
  run_tool camenc -c mjpeg --output-format jpeg -n 1 --input-format h264 -i - -o one.jpg <one.h264
  assert_equal "$(counters one.jpg 320 240)" 0
}

@test "camenc -n ends after as many frames" {
  frames 320 240 100 | camenc -n 7 >out.nut
  assert_equal "$(count_frames out.nut)" 7
}

@test "camenc writes the same to several outputs" {
  mkfifo a.fifo
  start_sh reader "cat a.fifo >a.nut"
  frames 320 240 20 | camenc -o a.fifo -o b.nut -o fd:7 7>c.nut
  ends reader
  for name in a b c; do ffmpeg -v error -i $name.nut -c copy -copyts -f framemd5 $name.md5; done
  cmp a.md5 b.md5
  cmp b.md5 c.md5
  assert_equal "$(grep -vc '^#' a.md5)" 20
}

@test "camenc goes on for one output when the reader of another is gone" {
  mkfifo a.fifo
  start_sh reader "head -c 1000 a.fifo >/dev/null"
  frames 320 240 60 | camenc -o a.fifo -o b.nut
  assert_equal "$(count_frames b.nut)" 60
}

@test "camenc dies quietly when its reader is gone" {
  frames 320 240 200 >in.y4m
  run bash -c 'camenc <in.y4m 2>err | head -c 1000 >/dev/null; echo "${PIPESTATUS[0]}"'
  assert_equal "$output" 141
  assert_equal "$(grep -cv ' to mjpeg ' err)" 0 "lines in the log"
}

@test "camenc carries audio untouched" {
  ffmpeg -v error -f lavfi -i testsrc2=s=320x240:r=30:d=2 -f lavfi -i sine=d=2:r=48000 -c:v rawvideo -pix_fmt yuv420p -c:a aac -f nut in.nut
  camenc -c h264 <in.nut >out.nut
  ffmpeg -v error -i in.nut -map 0:a -c copy -f adts in.aac
  ffmpeg -v error -i out.nut -map 0:a -c copy -f adts out.aac
  cmp in.aac out.aac
  assert_equal "$(count_frames out.nut)" 60
}

@test "camenc follows a change of the format, or ends with --on-change exit" {
  { frames 320 240 10 | camenc -c copy; frames 640 360 10 | camenc -c copy; } >in.nut 2>/dev/null
  camenc --output-format mjpeg <in.nut >out.mjpeg
  assert_equal "$(ffprobe -v error -f mjpeg -show_entries frame=width -of csv=p=0 out.mjpeg | tr -d ',' | uniq -c | xargs)" "10 320 10 640"
  run_tool 65 camenc --on-change exit --output-format mjpeg -o out.mjpeg -i in.nut
  assert_equal "$(ffprobe -v error -f mjpeg -show_entries frame=width -of csv=p=0 out.mjpeg | tr -d ',' | uniq -c | xargs)" "10 320"
}

@test "camenc takes and gives pictures without headers" {
  frames 320 240 5 >in.y4m
  ffmpeg -v error -i in.y4m -f rawvideo -pix_fmt bgr24 in.raw
  camenc --input-format rawvideo:bgr24:320x240@30 --output-format rawvideo --pixel-format gray <in.raw >out.raw
  assert_equal "$(stat -c %s out.raw)" $((320 * 240 * 5))
  assert_equal "$($PYTHON "$ROOT/tests/support/pattern_counter.py" 320 240 <out.raw)" "$(seq 0 4)"
}
