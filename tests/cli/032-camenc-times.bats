# camenc: capture times, sequence and rates.
load helper

# times FILE: the pts of each video packet in microseconds
times() {
  ffprobe -v error -select_streams v:0 -show_entries packet=pts -of csv=p=0 "$1" | tr -d ','
}

# stream FILE FRAMES FPS JITTER_MS [FFMPEG OUTPUT OPTION...]: NUT with uneven times, always the same
stream() {
  local file=$1 frames=$2 fps=$3 jitter=$4
  shift 4
  ffmpeg -v error -y -f lavfi -i "testsrc2=s=160x120:r=$fps:d=60" -frames:v "$frames" \
    -vf "settb=1/1000000,setpts='(N/($fps)+if(gt(N,0),sin(N*7.3)*$jitter/1000,0)+3600)/TB'" -fps_mode passthrough -enc_time_base 1/1000000 \
    -c:v rawvideo -pix_fmt yuv420p "$@" -f nut raw.nut
  camenc -c copy -i raw.nut -o "$file"
}

@test "capture times stay exact to the microsecond through MJPEG, H.264 and back to pictures" {
  stream in.nut 90 30 8
  camenc <in.nut | tee mjpeg.nut | camenc -c h264 | tee h264.nut | camenc -c raw --pixel-format bgr24 >raw.nut
  times in.nut >expected
  assert_equal "$(wc -l <expected)" 90
  for file in mjpeg h264 raw; do
    times $file.nut >got
    cmp expected got
  done
}

@test "the test pattern's frames come through MJPEG and H.264 once each, in order, at their times" {
  camgrab pattern -s 640x360 -r 30 -n 45 -o in.nut
  camenc <in.nut | tee mjpeg.nut | camenc -c h264 >h264.nut
  times in.nut >expected
  for file in mjpeg h264; do
    times $file.nut >got
    cmp expected got
    assert_equal "$(counters $file.nut 640 360)" "$(counters in.nut 640 360)" $file
  done
}

@test "-r keeps the share of frames it should, each at its own time" {
  for case in 30:15:8:90:45 30:10:8:90:30 25:12.5:9:100:50 30:25:5:90:75 60:30:4:120:60 30:1:8:90:3 30:30:8:60:60; do
    IFS=: read -r fps rate jitter frames expected <<<"$case"
    stream in.nut "$frames" "$fps" "$jitter"
    camenc -r "$rate" <in.nut >out.nut
    times in.nut >all
    times out.nut >kept
    assert_between "$(wc -l <kept)" $((expected - 1)) $((expected + 1)) "$case"
    assert_equal "$(grep -cvxFf all kept)" 0 "times that were made up"
  done
}

@test "-r above the source's rate shows no frame twice, and says so" {
  stream in.nut 30 15 0
  run_tool camenc -r 60 -q 80 -i in.nut -o out.nut
  assert_contains "$stderr" "no frame is shown twice"
  cmp <(times in.nut) <(times out.nut)
}

@test "-r thins out copied MJPEG without decoding it" {
  stream in.nut 60 30 5
  camenc <in.nut >a.nut
  run_tool camenc -c copy -r 10 -i a.nut -o b.nut
  assert_contains "$stderr" "thinned out to 10 fps"
  ffmpeg -v error -i a.nut -c copy -copyts -f framemd5 - | grep -v '^#' | awk '{ print $NF }' | sort >a.md5
  ffmpeg -v error -i b.nut -c copy -copyts -f framemd5 - | grep -v '^#' | awk '{ print $NF }' | sort >b.md5
  assert_equal "$(wc -l <b.md5)" 20
  assert_equal "$(comm -13 a.md5 b.md5 | wc -l)" 0 "pictures that were changed"
}

@test "-r of 12.5 comes out as 25/2 in the headers" {
  stream in.nut 50 25 0
  camenc -r 12.5 <in.nut >out.nut
  assert_equal "$(ffprobe -v error -show_entries stream=r_frame_rate -of csv=p=0 out.nut)" 25/2
}
