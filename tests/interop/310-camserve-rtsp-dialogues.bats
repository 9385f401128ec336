# Dialogues of players that Debian has not or that are hard to bring about, played by hand on the wire.
load ../cli/helper
load rtsp

@test "VLC: slash behind the name, keepalive by GET_PARAMETER, TEARDOWN of the track" {
  start_server h264
  script <<'S'
OPTIONS {base}/cam
  User-Agent: LibVLC/3.0.18 (LIVE555 Streaming Media v2016.11.28)
= 200
  Public: DESCRIBE.*GET_PARAMETER
DESCRIBE {base}/cam
  Accept: application/sdp
= 200
  Content-Base: ^{base}/cam/$
body a=control:trackID=0
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP;unicast;client_port={port}-{port1}
= 200
  Transport: unicast;client_port={port}-{port1};server_port=\d+-\d+
  Session: ^\w+;timeout=60$
PLAY {base}/cam/
  Session: {session}
  Range: npt=0.000-
= 200
  RTP-Info: url={base}/cam/trackID=0;seq=\d+;rtptime=\d+
datagrams 20
GET_PARAMETER {base}/cam/
  Session: {session}
= 200
TEARDOWN {base}/cam/trackID=0
  Session: {session}
= 200
S
}

@test "FFmpeg: UDP brings nothing, PAUSE, then a session over TCP on the same connection" {
  start_server h264
  script <<'S'
OPTIONS {base}/cam
= 200
DESCRIBE {base}/cam
= 200
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP/UDP;unicast;client_port={port}-{port1}
= 200
PLAY {base}/cam/
  Session: {session}
  Range: npt=0.000-
= 200
PAUSE {base}/cam/
  Session: {session}
= 200
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP/TCP;unicast;interleaved=0-1
= 200
  Transport: interleaved=0-1
PLAY {base}/cam/
  Session: {session}
= 200
packets 100
rtcp
TEARDOWN {base}/cam/
  Session: {session}
= 200
S
}

@test "rtspsrc: several transports in one header, multicast refused, then TCP" {
  start_server h264
  script <<'S'
DESCRIBE {base}/cam
= 200
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP;multicast
= 461
SETUP {base}/cam/trackID=0
  Transport: RTP/SAVP;unicast;client_port={port}-{port1}, RTP/AVP/TCP;unicast;interleaved=0-1
= 200
  Transport: ^RTP/AVP/TCP;unicast;interleaved=0-1
PLAY {base}/cam
  Session: {session}
= 200
packets 50
rtcp
packets 50
S
}

@test "Omnicast: TCP without channels; Qognify: channels 1-2" {
  start_server h264
  script <<'S'
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP/TCP;unicast
= 200
  Transport: interleaved=0-1
TEARDOWN {base}/cam
  Session: {session}
= 200
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP/TCP;unicast;interleaved=1-2
= 200
  Transport: interleaved=1-2
PLAY {base}/cam
  Session: {session}
= 200
packets 20 1
S
}

@test "an ONVIF player that wants a backchannel goes on without it" {
  start_server h264
  script <<'S'
DESCRIBE {base}/cam
  Require: www.onvif.org/ver20/backchannel
= 551
  Unsupported: backchannel
DESCRIBE {base}/cam
= 200
S
}

@test "what is no RTSP is refused and closed: HTTP, junk, a tunnel" {
  start_server h264
  script <<'S'
send GET /cam HTTP/1.1\r\nHost: h\r\n\r\n
closed
S
  script <<'S'
send GET /cam HTTP/1.1\r\nx-sessioncookie: a\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n
closed
S
  script <<'S'
send \x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n
closed
S
  script <<'S'
OPTIONS *
= 200
S
}

@test "PAUSE and PLAY go on without a gap in the sequence" {
  start_server h264
  script <<'S'
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP/TCP;unicast;interleaved=0-1
= 200
PLAY {base}/cam
  Session: {session}
= 200
packets 50
PAUSE {base}/cam
  Session: {session}
= 200
silence 0.5
PLAY {base}/cam
  Session: {session}
= 200
  RTP-Info: seq=\d+;rtptime=\d+
packets 50
S
}

@test "a stream that is not there is 404 and says what is" {
  start_server h264
  script <<'S'
DESCRIBE {base}/garden
= 404
DESCRIBE {base}/
= 404
SETUP {base}/trackID=0
  Transport: RTP/AVP/TCP;unicast;interleaved=0-1
= 404
DESCRIBE {base}/cam?codec=mjpeg
= 404
DESCRIBE {base}/cam
= 200
S
  run ffprobe -v error -rtsp_transport tcp "$RTSP/garden"
  [ "$status" -ne 0 ]
  assert_contains "$output" "404"
}

@test "JPEG over 2040 pixels is refused with the remedy" {
  start_sh server "camgrab pattern -s 2560x1440 -r 5 | camenc -c mjpeg | exec camserve --http none --rtsp 127.0.0.1:0"
  wait_for_line 20 server.err "cam: mjpeg"
  PORT=$(sed -n 's|.*play: rtsp://127.0.0.1:\([0-9]*\)/.*|\1|p' server.err)
  run ffprobe -v error -rtsp_transport tcp "rtsp://127.0.0.1:$PORT/cam"
  [ "$status" -ne 0 ]
  assert_contains "$output" "camenc -c h264"
  assert_contains "$(cat server.err)" "cam: JPEG pictures over 2040 pixels do not fit RTP (RFC 2435): for RTSP put camenc -c h264 before camserve"
}

@test "SIGTERM says goodbye to players and exits 0" {
  mkfifo stream.fifo
  start_sh source 'camgrab pattern -s 320x180 -r 30 | camenc -c h264 >stream.fifo'
  start server camserve --http none --rtsp 127.0.0.1:0 cam=stream.fifo
  wait_for_line 20 server.err "cam: h264"
  PORT=$(sed -n 's|.*play: rtsp://127.0.0.1:\([0-9]*\)/.*|\1|p' server.err)
  start player ffmpeg -v error -rtsp_transport tcp -i "rtsp://127.0.0.1:$PORT/cam" -f null -
  wait_for_line 10 server.err "playing over TCP"
  stop server
  wait_for_line 5 server.err "closed: server"
  ends player
  expect_exit source 141 # nobody reads what it writes
  ends source
}

@test "players get the last frame when the input ends, and camserve exits 0" {
  start_camserve "camgrab pattern -s 320x180 -r 30 -o - -o sent.nut | camenc -c h264" "cam: h264"
  start player ffmpeg -v error -rtsp_transport tcp -i "$RTSP/cam" -map 0:v:0 -fps_mode passthrough -f rawvideo -pix_fmt gray -y seen.gray
  sixty_seen() { [ "$(stat -c %s seen.gray)" -ge $((60 * 320 * 180)) ]; }
  wait_until 30 sixty_seen
  kill -TERM "$(pgrep -g "$server_pid" -x camgrab)"
  ends server
  ends player
  $PYTHON "$ROOT/tests/support/pattern_counter.py" 320 180 <seen.gray >numbers
  assert_equal "$(tail -1 numbers)" "$(counters sent.nut 320 180 | tail -1)" "last frame"
  assert_consecutive 60 <numbers
}

@test "packets are as small as asked for" {
  start_sh server "camgrab pattern -s 640x360 -r 30 | camenc -c h264 | exec camserve --http none --rtsp 127.0.0.1:0 --rtp-payload 600"
  wait_for_line 20 server.err "cam: h264"
  PORT=$(sed -n 's|.*play: rtsp://127.0.0.1:\([0-9]*\)/.*|\1|p' server.err)
  script <<'S'
SETUP {base}/cam/trackID=0
  Transport: RTP/AVP/TCP;unicast;interleaved=0-1
= 200
PLAY {base}/cam
  Session: {session}
= 200
packets 60
largest 612
S
}
