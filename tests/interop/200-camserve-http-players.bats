# camserve's HTTP as the players of others see it.
load ../cli/helper
load ../cli/camserve_helper

@test "ffprobe and ffmpeg decode /stream" {
  serve_pipe s "$(pattern 640x360 30) | camenc --quiet"
  healthy
  assert_equal "$(timeout 30 ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 "http://$HTTP/stream/cam")" mjpeg,640,360
  timeout 30 ffmpeg -v error -f mpjpeg -i "http://$HTTP/stream/cam" -frames:v 60 -fps_mode passthrough -f rawvideo -pix_fmt gray - |
    $PYTHON "$ROOT/tests/support/pattern_counter.py" 640 360 >numbers.txt
  first=$(head -1 numbers.txt)
  assert_equal "$(cat numbers.txt)" "$(seq "$first" $((first + 59)))" "counters"
}

@test "ffmpeg takes the last picture of an input that ends" {
  serve s
  start client ffmpeg -v error -f mpjpeg -i "http://$HTTP/stream/cam" -c copy -f mjpeg out.mjpeg 9>&-
  wait_until 10 bash -c "curl -fs http://$HTTP/api/clients | jq -e '.clients | length > 0'"
  bash -c "$(pattern 320x240 30 -n 30) | camenc --quiet" >&9
  exec 9>&-
  ends client
  assert_equal "$(counters out.mjpeg 320 240 | tail -1)" 29
}

@test "OpenCV's VideoCapture reads /stream" {
  serve_pipe s "$(pattern 320x240 30) | camenc --quiet"
  healthy
  run timeout 60 $PYTHON -c "
import cv2
video = cv2.VideoCapture('http://$HTTP/stream/cam.mjpg')
assert video.isOpened()
for i in range(30):
    ok, picture = video.read()
    assert ok and picture.shape == (240, 320, 3), i
print('read')"
  assert_contains "$output" read
}

@test "GStreamer reads /stream" {
  serve_pipe s "$(pattern 320x240 30) | camenc --quiet"
  healthy
  run timeout 60 gst-launch-1.0 -q souphttpsrc location="http://$HTTP/stream/cam" is-live=true ! multipartdemux ! jpegdec ! \
    identity eos-after=31 ! fakesink
  assert_equal "$status" 0
}

@test "mpv plays /stream" {
  serve_pipe s "$(pattern 320x240 30) | camenc --quiet"
  healthy
  run timeout 60 mpv --no-config --vo=null --ao=null --no-terminal --msg-level=all=error --frames=30 "http://$HTTP/stream/cam"
  assert_equal "$status" 0
}

@test "Chromium shows two streams moving, and an H.264 one" {
  mkfifo a b c
  start_sh a "$(pattern 640x360 15) | camenc --quiet -o a"
  start_sh b "$(pattern 320x240 15) | camenc --quiet -o b"
  start_sh c "$(pattern 320x240 10) | camenc --quiet -c h264 -o c"
  serve s front=a yard=b door=c
  healthy
  run timeout 150 $PYTHON "$ROOT/tests/support/page_moves.py" "http://$HTTP/" 3 "$BATS_TEST_TMPDIR/shot"
  assert_equal "$status" 0 "$output"
  assert_contains "$output" "front moving"
  assert_contains "$output" "yard moving"
  assert_contains "$output" "door "
  [[ $output != *console:* ]]
}
