# What players do when UDP does not reach them or when they want what camserve has not.
load ../cli/helper
load rtsp

# start_firewall: UDP is lost from here on; $RTSP and $PORT become those before it
start_firewall() {
  start firewall "$PYTHON" -u "$ROOT/tests/support/rtsp_no_udp.py" "$PORT"
  wait_until 5 test -s firewall.out
  PORT=$(cat firewall.out)
  RTSP=rtsp://127.0.0.1:$PORT
}

@test "ffmpeg hears nothing by UDP for 3 s and goes on over TCP" {
  start_server h264
  start_firewall
  counters "$RTSP/cam" 640 360 -timeout 3000000 -t 2 | assert_consecutive 40
  assert_contains "$(cat server.err)" "playing over UDP"
  assert_contains "$(cat server.err)" "playing over TCP"
}

@test "rtspsrc hears nothing by UDP and goes on over TCP" {
  start_server h264
  start_firewall
  gst_gray tcp+udp-mcast+udp "$RTSP/cam" "rtph264depay ! h264parse ! avdec_h264" |
    $PYTHON "$ROOT/tests/support/pattern_counter.py" 640 360 | assert_consecutive 80
  assert_contains "$(cat server.err)" "playing over UDP"
  assert_contains "$(cat server.err)" "playing over TCP"
}

@test "rtspsrc that may choose takes UDP where it comes through" {
  start_server h264
  gst_gray tcp+udp-mcast+udp "$RTSP/cam" "rtph264depay ! h264parse ! avdec_h264" |
    $PYTHON "$ROOT/tests/support/pattern_counter.py" 640 360 | assert_consecutive 80
  assert_contains "$(cat server.err)" "playing over UDP"
}

@test "ffmpeg that may choose takes UDP where it comes through" {
  start_server h264
  counters "$RTSP/cam" 640 360 -t 3 | assert_consecutive 80
  assert_contains "$(cat server.err)" "playing over UDP"
}

@test "OpenCV reads over UDP as well" {
  start_server h264
  OPENCV_FFMPEG_CAPTURE_OPTIONS='rtsp_transport;udp' run_tool "$PYTHON" - "$RTSP/cam" <<'P'
import sys
import cv2
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
print({capture.read()[1].shape for _ in range(60)})
P
  assert_equal "$output" "{(360, 640, 3)}"
  assert_contains "$(cat server.err)" "playing over UDP"
}

@test "VLC: multicast is refused, then the same track over TCP" {
  start_server h264
  script <<'S'
OPTIONS {base}/cam
= 200
DESCRIBE {base}/cam
  Accept: application/sdp
= 200
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP;multicast;port={port}-{port1}
= 461
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP/TCP;unicast;interleaved=0-1
= 200
PLAY {base}/cam/
  Session: {session}
  Range: npt=0.000-
= 200
packets 50
GET_PARAMETER {base}/cam/
  Session: {session}
= 200
TEARDOWN {base}/cam/
  Session: {session}
= 200
S
}

@test "VLC: no packets for ten seconds, so it leaves UDP behind and begins anew over TCP" {
  start_server h264
  script <<'S'
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP;unicast;client_port={port}-{port1}
= 200
PLAY {base}/cam/
  Session: {session}
= 200
S
  script <<'S'
OPTIONS {base}/cam
= 200
DESCRIBE {base}/cam
= 200
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP/TCP;unicast;interleaved=0-1
= 200
PLAY {base}/cam/
  Session: {session}
= 200
packets 50
S
}

@test "a tunnel in HTTP is refused in HTTP, on the port of RTSP and on that of HTTP" {
  start_sh server "camgrab pattern -s 320x180 -r 15 | camenc -c h264 | exec camserve --http 127.0.0.1:0 --rtsp 127.0.0.1:0"
  wait_for_line 20 server.err "cam: h264"
  HTTP=$(sed -n 's|.*watch: http://127.0.0.1:\([0-9]*\)/.*|\1|p' server.err)
  PORT=$(sed -n 's|.*play: rtsp://127.0.0.1:\([0-9]*\)/.*|\1|p' server.err)
  before=$(find /proc/"$(pgrep -g "$server_pid" -x camserve)"/fd -mindepth 1 | wc -l)
  for port in "$HTTP:404" "$PORT:501"; do
    for _ in 1 2 3 4 5; do
      run_tool curl -s -o answer -w '%{http_code}' --http1.0 -H 'x-sessioncookie: a' -H 'Accept: application/x-rtsp-tunnelled' \
        "http://127.0.0.1:${port%%:*}/cam"
      assert_equal "$output" "${port##*:}" "GET of a tunnel"
    done
  done
  run_tool curl -s -o answer -w '%{http_code}' --http1.0 -H 'x-sessioncookie: a' --data-binary T1BUSU9OUyA "http://127.0.0.1:$PORT/cam"
  assert_equal "$output" 501 "POST of a tunnel"
  script <<'S'
DESCRIBE {base}/cam
= 200
S
  wait_until 10 bash -c "[ \$(find /proc/$(pgrep -g "$server_pid" -x camserve)/fd -mindepth 1 | wc -l) -le $before ]"
}
