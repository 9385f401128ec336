# The viewer page in headless Chromium: what it shows, and what can be done with it.
load ../cli/helper
load ../cli/camserve_helper

page() { # SCRIPT ARG...: of tests/support; its output in $output
  run timeout 240 $PYTHON "$ROOT/tests/support/$1" "${@:2}"
  assert_equal "$status" 0 "$1: $output"
}

feed() { # FIFO SIZE RATE [CAMENC OPTION...]
  mkfifo "$1"
  start_sh "feed_$1" "$(pattern "$2" "$3") | camenc --quiet ${*:4} -o $1"
}

@test "one stream large: mouse, keyboard, touch, address, renditions, snapshot, full screen" {
  feed hd 640x360 10
  feed low 320x180 10
  feed yard 320x240 10
  feed door 320x240 10 -c h264
  serve s front/hd=hd front/low=low yard=yard door=door
  healthy 20
  mkdir saved
  page page_opens.py "http://$HTTP/" "$PWD/saved"
}

@test "no RTSP address is shown where RTSP is not served" {
  feed pictures 320x240 10
  start s camserve --http 127.0.0.1:0 --rtsp 127.71.2.1:0 cam=pictures
  wait_for_line 10 s.err rtsp://
  page page_no_rtsp.py "$(grep -oE 'http://[^ ]+' s.err)"
}

@test "it fits and can be read on a phone, a tablet and a desktop, light and dark" {
  feed hd 640x360 10
  feed low 320x180 10
  feed tall 240x320 10
  feed door 320x240 10 -c h264
  mkfifo never
  long=a-name-as-long-as-names-may-be-which-is-64-letters_digits-signs-
  serve s front/hd=hd front/low=low $long=tall door=door never=never
  wait_until 20 curl -fs "http://$HTTP/snapshot/door"
  page page_looks.py "http://$HTTP/" front door $long
  assert_equal "$(grep -c . <<<"$output")" 24 "views"
}

@test "12 streams move within a browser's six connections, also in two windows" {
  inputs=()
  for i in $(seq 12); do
    mkfifo "f$i"
    inputs+=("c$i=f$i")
  done
  start_sh feed "$(pattern 320x180 5) | camenc --quiet | tee f{1..11} >f12"
  serve s "${inputs[@]}"
  healthy 20
  page page_many.py "http://$HTTP/" 12
}

@test "streams come and go, rest and wake" {
  CAMPIPE_RING_DIR=$(mktemp -d /dev/shm/page_XXXXXX)
  export CAMPIPE_RING_DIR
  serve s 'shm:*.mjpeg'
  start page timeout 240 $PYTHON "$ROOT/tests/support/page_states.py" "http://$HTTP/"
  wait_for_line 40 page.out empty
  start_sh live "$(pattern 320x240 10) | camenc --quiet -o shm:live.mjpeg"
  wait_for_line 60 page.out came
  start raw camgrab pattern -s 320x240 -r 10 --quiet --on-demand --linger 1s -o shm:sleepy.raw
  start sleepy camenc -i shm:sleepy.raw -o shm:sleepy.mjpeg --quiet --on-demand --linger 1s
  wait_for_line 100 page.out "rests again" || {
    cat page.err >&2
    return 1
  }
  stop live
  rm "$CAMPIPE_RING_DIR/campipe.live.mjpeg"
  wait_for_line 60 page.out gone || {
    cat page.err >&2
    return 1
  }
  rm -rf "$CAMPIPE_RING_DIR"
}

@test "texts are texts, whatever is in them" {
  serve s
  start other $PYTHON "$ROOT/tests/support/page_server.py" "http://$HTTP" hostile
  wait_for_line 20 other.out http
  page page_hostile.py "$(cat other.out)"
}

@test "stills move where live answers bring nothing" {
  serve_pipe s "$(pattern 320x240 10) | camenc --quiet"
  healthy
  start other $PYTHON "$ROOT/tests/support/page_server.py" "http://$HTTP" silent
  wait_for_line 20 other.out http
  page page_still.py "$(cat other.out)"
}

@test "the page does not grow while it shows pictures, live or stills" {
  serve_pipe s "$(pattern 160x120 60) | camenc --quiet"
  healthy
  page page_stays.py "http://$HTTP/" 300
  start other $PYTHON "$ROOT/tests/support/page_server.py" "http://$HTTP" silent
  wait_for_line 20 other.out http
  page page_stays.py "$(cat other.out)" 100
}
