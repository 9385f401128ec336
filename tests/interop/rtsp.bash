# Shared by the tests of camserve's RTSP server: `load rtsp` after `load ../cli/helper`.

# find_address: $RTSP is the URL before the stream's name of what runs as `server`, $PORT its port
find_address() {
  PORT=$(sed -n 's|.*play: rtsp://127.0.0.1:\([0-9]*\)/.*|\1|p' server.err)
  RTSP=rtsp://127.0.0.1:$PORT
}

# start_camserve COMMAND LINE: what COMMAND writes, through camserve, until that says LINE; $RTSP and $PORT
start_camserve() {
  start_sh server "$1 | exec camserve --http none --rtsp 127.0.0.1:0"
  wait_for_line 20 server.err "$2" || return 1
  find_address
}

# start_server CODEC [WxH]: a pattern, an encoder and camserve; $RTSP and $PORT
start_server() { start_camserve "camgrab pattern -s ${2:-640x360} -r 30 | camenc -c $1" "cam: $1"; }

# start_h265: a foreign encoder, 320x180 at 15 fps, and camserve; $RTSP and $PORT
start_h265() {
  start_camserve "ffmpeg -v error -re -f lavfi -i testsrc2=s=320x180:r=15 -c:v libx265 -preset ultrafast -tune zerolatency \
    -x265-params log-level=none:keyint=15:bframes=0 -f nut -" "cam: h265"
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
