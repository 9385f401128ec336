# Players really decode what camserve sends by RTSP, and miss no frame: the numbers in the pattern are read back.
load ../cli/helper
load rtsp

pattern_of() { counters "$1" 640 360 -rtsp_transport "$2" -t 3; }

decoder_of() { if [ "$1" = h264 ]; then echo "rtph264depay ! h264parse ! avdec_h264"; else echo "rtpjpegdepay ! jpegdec"; fi; }

for codec in h264 mjpeg; do
  for transport in tcp udp; do
    eval "ffmpeg_${codec}_${transport}() { start_server $codec; pattern_of \$RTSP/cam $transport | assert_consecutive 80; }"
    eval "gst_${codec}_${transport}() {
      start_server $codec
      gst_gray $transport \$RTSP/cam '$(decoder_of $codec)' | \$PYTHON \$ROOT/tests/support/pattern_counter.py 640 360 | assert_consecutive 80
    }"
  done
done

@test "ffmpeg decodes H.264 over TCP frame by frame" { ffmpeg_h264_tcp; }
@test "ffmpeg decodes H.264 over UDP frame by frame" { ffmpeg_h264_udp; }
@test "ffmpeg decodes MJPEG over TCP frame by frame" { ffmpeg_mjpeg_tcp; }
@test "ffmpeg decodes MJPEG over UDP frame by frame" { ffmpeg_mjpeg_udp; }
@test "GStreamer decodes H.264 over TCP frame by frame" { gst_h264_tcp; }
@test "GStreamer decodes H.264 over UDP frame by frame" { gst_h264_udp; }
@test "GStreamer decodes MJPEG over TCP frame by frame" { gst_mjpeg_tcp; }
@test "GStreamer decodes MJPEG over UDP frame by frame" { gst_mjpeg_udp; }

@test "ffprobe tells codec, size and rate" {
  start_server h264
  run_tool ffprobe -v error -rtsp_transport tcp -select_streams v -show_entries stream=codec_name,width,height,r_frame_rate -of csv=p=0 "$RTSP/cam"
  assert_equal "$output" "h264,640,360,30/1"
}

@test "OpenCV reads 60 pictures" {
  start_server h264
  run_tool "$PYTHON" - "$RTSP/cam" <<'P'
import sys
import cv2
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
shapes = set()
for _ in range(60):
    ok, picture = capture.read()
    assert ok
    shapes.add(picture.shape)
print(shapes)
P
  assert_equal "$output" "{(360, 640, 3)}"
}

@test "mpv plays 60 frames over TCP and over UDP" {
  start_server h264
  for transport in tcp udp; do
    run_tool mpv --no-config --no-terminal --msg-level=all=error --vo=null --ao=null --untimed --frames=60 \
      --rtsp-transport=$transport "$RTSP/cam"
  done
  wait_until 5 bash -c "[ \$(grep -c 'closed: teardown' server.err) -ge 2 ]"
}

@test "a stream over 1 MB a second arrives whole over UDP" {
  start_camserve "camgrab pattern -s 1280x720 -r 30 | camenc -c mjpeg -q 90" "cam: mjpeg"
  counters "$RTSP/cam" 1280 720 -rtsp_transport udp -t 3 | assert_consecutive 70
}

@test "H.265 of a foreign encoder is decoded over TCP and UDP" {
  start_h265
  for transport in tcp udp; do
    run_tool ffmpeg -v error -xerror -rtsp_transport $transport -i "$RTSP/cam" -frames:v 30 -f null -
    assert_equal "$stderr" "" "complaints over $transport"
  done
}

@test "GStreamer decodes H.265 over TCP and UDP" {
  start_h265
  for transport in tcp udp; do
    bytes=$(gst_gray $transport "$RTSP/cam" "rtph265depay ! h265parse ! avdec_h265" | wc -c)
    assert_between "$bytes" $((80 * 320 * 180)) $((100 * 320 * 180)) "bytes over $transport"
  done
}

@test "sound goes along: AAC, G.711 and Opus" {
  for codec in aac:aac:48000 pcm_mulaw:pcm_mulaw:8000 pcm_alaw:pcm_alaw:8000 libopus:opus:48000; do
    IFS=: read -r encoder name rate <<<"$codec"
    start_camserve "ffmpeg -v error -re -f lavfi -i testsrc2=s=320x180:r=15 -f lavfi -i sine=r=$rate -c:v libx264 -preset ultrafast \
      -tune zerolatency -g 15 -bf 0 -c:a $encoder -ar $rate -ac 1 -f nut -" "+ $name"
    run_tool ffprobe -v error -rtsp_transport tcp -show_entries stream=codec_name -of csv=p=0 "$RTSP/cam"
    assert_equal "$output" "h264"$'\n'"$name"
    for transport in tcp udp; do
      run_tool ffmpeg -v error -xerror -rtsp_transport $transport -i "$RTSP/cam" -t 2 -f null -
      assert_equal "$stderr" "" "complaints about $name over $transport"
    done
    stop_background
  done
}

@test "sound of another input of the same name goes along" {
  mkfifo picture
  start_sh server "ffmpeg -v error -re -f lavfi -i testsrc2=s=320x180:r=15 -f lavfi -i sine=r=48000 \
    -map 0 -c:v libx264 -preset ultrafast -tune zerolatency -g 15 -bf 0 -f nut -y picture \
    -map 0 -map 1 -c:v mjpeg -c:a aac -f nut - | exec camserve --http none --rtsp 127.0.0.1:0 cam=picture cam=-"
  wait_for_line 20 server.err "+ aac"
  wait_for_line 20 server.err "cam: h264"
  find_address
  run_tool ffprobe -v error -rtsp_transport tcp -show_entries stream=codec_name -of csv=p=0 "$RTSP/cam"
  assert_equal "$output" "h264"$'\n'"aac"
  for transport in tcp udp; do
    run_tool ffmpeg -v error -xerror -rtsp_transport $transport -i "$RTSP/cam" -t 2 -f null -
    assert_equal "$stderr" "" "complaints over $transport"
  done
}

@test "the better codec is the default, the other one is asked for" {
  start_sh server "camgrab pattern -s 640x360 -r 30 -o - | camenc -c h264 | exec camserve --http none --rtsp 127.0.0.1:0 cam=- cam=<(camgrab pattern -s 640x360 -r 30 | camenc -c mjpeg)"
  wait_for_line 20 server.err "cam: h264"
  wait_for_line 20 server.err "cam: mjpeg"
  find_address
  for query in :h264 '?codec=mjpeg:mjpeg' '?codec=h264:h264'; do
    run_tool ffprobe -v error -rtsp_transport tcp -show_entries stream=codec_name -of csv=p=0 "$RTSP/cam${query%%:*}"
    assert_equal "$output" "${query##*:}" "$query"
  done
  gst_gray tcp "$RTSP/cam?codec=mjpeg" "rtpjpegdepay ! jpegdec" | $PYTHON "$ROOT/tests/support/pattern_counter.py" 640 360 | assert_consecutive 80
}
