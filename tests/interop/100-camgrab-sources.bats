#!/usr/bin/env bats
# Servers of others as sources: GStreamer's RTSP server, ffmpeg's HTTP and RTMP listeners, an MJPEG camera; and files.
load ../cli/helper

HERE=$BATS_TEST_DIRNAME

setup_file() {
  cd "$BATS_FILE_TMPDIR" || exit 1
  camgrab pattern -s 640x360 -r 25 -n 75 --quiet -o pattern.nut
  ffmpeg -v fatal -i pattern.nut -f lavfi -i sine=r=48000 -shortest -pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -c:a aac pattern.mp4
  ffmpeg -v fatal -i pattern.nut -pix_fmt yuvj420p -c:v mjpeg -q:v 4 -f mjpeg pattern.mjpeg
}

media() { echo "$BATS_FILE_TMPDIR/pattern.$1"; }

serve_rtsp() { # PIPELINE [USER PASSWORD]
  port=$(free_port)
  start server $PYTHON "$HERE/rtsp_server.py" "$port" /cam "$@"
  wait_for_line 20 server.out ready
}

# The pattern as a live H.264 stream with G.711 audio.
live="( filesrc location=$BATS_FILE_TMPDIR/pattern.mp4 ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8 )"

consecutive() { # FILE LEAST: the pattern's numbers go up by one
  counters "$1" 640 360 >seen
  awk -v least="$2" 'NR > 1 && $1 != last + 1 { bad = bad " " last ">" $1 } { last = $1 } END { if (NR < least || bad != "") { print NR " frames, breaks:" bad; exit 1 } }' seen
}

# listens PORT: somebody does, by /proc/net/tcp (0A is LISTEN); a connection to try it would be the only one
listens() { grep -qE "$(printf ':%04X' "$1") [0-9]+:0000 0A" /proc/net/tcp; }

is_connected() { grep -qE "$(printf ':%04X' "$1") [0-9A-F]+:[0-9A-F]+ 01" /proc/net/tcp; } # 01 is ESTABLISHED

codecs() { ffprobe -v fatal -show_entries stream=codec_name -of csv=p=0 "$1" | tr '\n' ' '; }

@test "camgrab takes RTSP over TCP with its audio, every frame in order" {
  serve_rtsp "$live"
  run_tool camgrab "rtsp://127.0.0.1:$port/cam" -n 50 -o out.nut
  consecutive out.nut 50
  assert_equal "$(codecs out.nut)" "h264 pcm_alaw " codecs
}

@test "camgrab takes RTSP over UDP" {
  serve_rtsp "$live"
  run_tool camgrab "rtsp://127.0.0.1:$port/cam" --rtsp-transport udp -n 50 -o out.nut
  consecutive out.nut 50
}

@test "camgrab takes MJPEG over RTSP" {
  serve_rtsp "( videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! jpegenc ! rtpjpegpay name=pay0 )"
  run_tool camgrab "rtsp://127.0.0.1:$port/cam" -n 20 -o out.nut
  assert_equal "$(count_frames out.nut)" 20 frames
}

@test "camgrab spaces the times of a live stream as the sender did" {
  serve_rtsp "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! x264enc tune=zerolatency speed-preset=ultrafast ! rtph264pay name=pay0 )"
  run_tool camgrab "rtsp://127.0.0.1:$port/cam" -n 100 -o out.nut
  ffprobe -v fatal -select_streams v -show_entries packet=pts -of csv=p=0 out.nut | tr -d , | tail -60 >pts
  assert_equal "$(awk 'NR > 1 && ($1 - last < 38000 || $1 - last > 42000) { print $1 - last } { last = $1 }' pts | tr '\n' ' ')" "" "gaps far from 40 ms"
}

@test "camgrab logs in with a URL from a file, and 77 tells a wrong password without showing it" {
  serve_rtsp "$live" anna sesame
  echo "rtsp://anna:sesame@127.0.0.1:$port/cam" >url
  run_tool camgrab --url-file url -n 5 -o out.nut
  CAMGRAB_URL=$(cat url) run_tool camgrab -n 5 -o out.nut
  echo "rtsp://anna:wrongword@127.0.0.1:$port/cam" >url
  run_tool 77 camgrab --url-file url -o out.nut
  assert_contains "$stderr" "wrong user or password"
  [[ $stderr != *wrongword* ]]
}

@test "camgrab exits 66 for a stream that the RTSP server has not" {
  serve_rtsp "$live"
  run_tool 66 camgrab "rtsp://127.0.0.1:$port/other" -o out.nut
  assert_contains "$stderr" "404"
}

@test "camgrab gives up on a server that does not answer, and stops at once when asked while connecting" {
  port=$(free_port)
  start server socat "TCP-LISTEN:$port,fork,bind=127.0.0.1" "EXEC:sleep 60"
  wait_until 10 bash -c ": </dev/tcp/127.0.0.1/$port"
  run_tool 69 camgrab "rtsp://127.0.0.1:$port/cam" --timeout 1s -o out.nut
  assert_contains "$stderr" "no answer within 1s"
  start grab camgrab "rtsp://127.0.0.1:$port/cam" --timeout 60s -o out.nut
  wait_until 20 is_connected "$port"
  stop grab
}

@test "camgrab comes back when its RTSP server does" {
  serve_rtsp "$live"
  start grab camgrab "rtsp://127.0.0.1:$port/cam" -o out.nut
  wait_until 15 test -s out.nut
  kill_hard server
  wait_for_line 10 grab.err reconnecting
  start server $PYTHON "$HERE/rtsp_server.py" "$port" /cam "$live"
  wait_for_line 20 grab.err "back after"
  stop grab
  assert_equal "$(grep -c reconnecting grab.err)" 1 "lines about the loss"
  ffprobe -v fatal -select_streams v -show_entries packet=dts -of csv=p=0 out.nut | tr -d , >dts
  sort -n -u dts | cmp - dts
}

@test "camgrab takes MJPEG over HTTP, with and without lengths" {
  for mode in "" no-length; do
    port=$(free_port)
    start server $PYTHON "$HERE/mjpeg_server.py" "$port" "$(media mjpeg)" $mode
    wait_for_line 10 server.out ready
    run_tool camgrab "http://127.0.0.1:$port/" -n 40 -o out.nut
    consecutive out.nut 40
    stop server
  done
}

@test "camgrab reconnects to an HTTP camera that ends or falls silent" {
  for mode in end stall; do
    port=$(free_port)
    start server $PYTHON "$HERE/mjpeg_server.py" "$port" "$(media mjpeg)" $mode
    wait_for_line 10 server.out ready
    run_tool camgrab "http://127.0.0.1:$port/" --stall-timeout 1s -n 50 -o out.nut
    assert_contains "$stderr" "reconnecting"
    assert_equal "$(count_frames out.nut)" 50 "$mode: frames"
  done
}

@test "camgrab takes MPEG-TS over HTTP from ffmpeg" {
  port=$(free_port)
  start server ffmpeg -v error -re -i "$(media mp4)" -c copy -f mpegts -listen 1 "http://127.0.0.1:$port/"
  wait_until 20 listens "$port"
  run_tool camgrab "http://127.0.0.1:$port/" --no-reconnect -n 40 -o out.nut
  expect_exit server 1 255 # whom camgrab has left; 255 when SIGTERM comes first
  consecutive out.nut 40
  assert_equal "$(codecs out.nut)" "h264 aac " codecs
}

@test "camgrab takes RTMP from ffmpeg" {
  port=$(free_port)
  start server ffmpeg -v error -re -i "$(media mp4)" -c copy -f flv -listen 1 "rtmp://127.0.0.1:$port/live/cam"
  wait_until 20 listens "$port"
  run_tool camgrab "rtmp://127.0.0.1:$port/live/cam" --no-reconnect -n 40 -o out.nut
  expect_exit server 1 255 # whom camgrab has left; 255 when SIGTERM comes first
  consecutive out.nut 40
  assert_equal "$(codecs out.nut)" "h264 aac " codecs
}

@test "camgrab reads files whole: MP4, MKV, TS, NUT, AVI and bare streams" {
  for kind in mkv ts nut avi h264 mjpeg; do
    case $kind in
      h264) ffmpeg -v fatal -i "$(media mp4)" -an -c copy -bsf:v h264_mp4toannexb "file.$kind" ;;
      mjpeg) cp "$(media mjpeg)" "file.$kind" ;;
      *) ffmpeg -v fatal -i "$(media mp4)" -c copy "file.$kind" ;;
    esac
    run_tool camgrab "file.$kind" -o out.nut
    consecutive out.nut 75
  done
  run_tool camgrab "$(media mp4)" -o out.nut
  consecutive out.nut 75
  run_tool camgrab "$(media nut)" -o out.nut
  consecutive out.nut 75
}

@test "camgrab keeps a file's own times" {
  run_tool camgrab "$(media mp4)" -o out.nut
  ffprobe -v fatal -select_streams v -show_entries packet=pts -of csv=p=0 out.nut | tr -d , >pts
  assert_equal "$(awk 'NR > 1 { print $1 - last } { last = $1 }' pts | sort -u | tr '\n' ' ')" "40000 " "gaps in us"
}

@test "camgrab --realtime --loop plays a file for ever at its own pace" {
  run_tool camgrab "$(media mp4)" --realtime --loop --duration 5s -o out.nut
  assert_between "$(count_frames out.nut)" 110 130 "frames in 5 s at 25 fps"
  ffprobe -v fatal -select_streams v -show_entries packet=dts -of csv=p=0 out.nut | tr -d , >dts
  sort -n -u dts | cmp - dts
}

@test "camgrab takes a picture as a camera" {
  ffmpeg -v fatal -i "$(media mp4)" -frames:v 1 still.jpg
  run_tool camgrab still.jpg --realtime --loop --duration 1s -o out.nut
  assert_between "$(count_frames out.nut)" 15 30 frames
}
