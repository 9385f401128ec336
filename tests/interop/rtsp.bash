# Shared by the tests of camserve's RTSP server: `load rtsp` after `load ../cli/helper`.

# start_server CODEC [WxH]: a pattern, an encoder and camserve; $RTSP is the URL before the stream's name, $PORT its port
start_server() {
  local codec=$1 size=${2:-640x360}
  start_sh server "camgrab pattern -s $size -r 30 | camenc -c $codec | exec camserve --http none --rtsp 127.0.0.1:0"
  wait_for_line 20 server.err "cam: $codec" || return 1
  PORT=$(sed -n 's|.*play: rtsp://127.0.0.1:\([0-9]*\)/.*|\1|p' server.err)
  RTSP=rtsp://127.0.0.1:$PORT
}

# script: a dialogue on stdin, see tests/support/rtsp_script.py
script() { timeout 60 "$PYTHON" "$ROOT/tests/support/rtsp_script.py" "$PORT"; }

# assert_consecutive COUNT: the pattern's numbers on stdin are COUNT at least, each one more than the one before
assert_consecutive() {
  awk -v want="$1" '
    NR > 1 && $1 != last + 1 { printf "%d is followed by %d\n", last, $1 > "/dev/stderr"; bad = 1 }
    { last = $1 }
    END { if (NR < want) { printf "only %d frames of %d\n", NR, want > "/dev/stderr"; bad = 1 } exit bad }'
}

# gst_gray PROTOCOL URL DECODER: 90 pictures as gray bytes
gst_gray() {
  timeout 40 gst-launch-1.0 -q rtspsrc location="$2" protocols="$1" latency=200 ! $3 ! videoconvert ! video/x-raw,format=GRAY8 ! \
    identity eos-after=91 ! fdsink sync=false
}
