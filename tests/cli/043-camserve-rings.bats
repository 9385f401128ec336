# camserve: rings by name and by pattern, what it asks of their writers, and writers that come again.
load helper
load camserve_helper

prepare() {
  CAMPIPE_RING_DIR=$(mktemp -d /dev/shm/campipe-bats-XXXXXX)
  export CAMPIPE_RING_DIR
}

clean_up() {
  rm -rf "$CAMPIPE_RING_DIR"
}

# camera NAME CODEC [CAMGRAB OPTION...]: a ring NAME.CODEC in the background
camera() {
  local gop=
  [ "$2" = mjpeg ] || gop="-g 15"
  start_sh "$1_$2" "$(pattern 320x240 30 "${@:3}") | camenc --quiet -c $2 $gop -o shm:$1.$2"
}

state_of() { # NAME
  api ".streams[] | select(.name == \"$1\") | .state" | sort -u
}

@test "camserve follows the rings that patterns match, and says so once" {
  serve s 'shm:*.h264' 'shm:*.mjpeg' 'shm:nothing?'
  assert_contains "$(cat s.err)" "play: rtsp://$RTSP/NAME"
  wait_for_line 10 s.err "waiting for shm:*.h264: there is no ring of such a name yet"
  assert_equal "$(curl -s -o health.txt -w '%{http_code}' "http://$HTTP/health")" 503
  assert_contains "$(cat health.txt)" "shm:*.mjpeg: no ring of such a name"
  camera front h264
  camera front mjpeg
  camera yard mjpeg
  healthy
  wait_until 10 curl -fs -o front.jpg "http://$HTTP/snapshot/front"
  wait_until 10 curl -fs -o yard.jpg "http://$HTTP/snapshot/yard"
  assert_equal "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 front.jpg)" mjpeg,320,240
  assert_equal "$(api '[.streams[] | .name + "." + .codec] | sort | join(" ")')" "front.h264 front.mjpeg yard.mjpeg"
  assert_equal "$(grep -c 'from shm:yard.mjpeg' s.err)" 1 "announcements"
  assert_equal "$(grep -c 'waiting for shm:nothing?' s.err)" 1 "waiting lines"
  camring rm --force yard.mjpeg
  yard_goes() { [ "$(api '[.streams[].name] | unique | join(" ")')" = front ]; }
  wait_until 10 yard_goes
}

@test "camserve leaves out rings that it cannot read or serve, with one line each" {
  echo "not a ring" >"$CAMPIPE_RING_DIR/campipe.bad.h264"
  start_sh raw "$(pattern 320x240 30 -o shm:front.raw)"
  camera front h264
  serve s 'shm:*'
  wait_for_line 20 s.err "front: h264 320x240"
  wait_for_line 10 s.err "shm:front.raw: raw pictures, and camserve sends coded ones"
  assert_equal "$(grep -c 'shm:bad.h264: is no ring that can be read' s.err)" 1 "lines"
  assert_equal "$(api '[.streams[].name] | join(" ")')" front
  healthy
}

@test "camserve goes on with other rings when one may not be read" {
  [ "$(id -u)" -eq 0 ] || {
    echo "must be root, to be nobody" >&2
    return 1
  }
  camera front h264
  camera yard h264
  wait_until 20 test -e "$CAMPIPE_RING_DIR/campipe.front.h264"
  wait_until 20 test -e "$CAMPIPE_RING_DIR/campipe.yard.h264"
  chmod 755 "$CAMPIPE_RING_DIR"
  chmod 644 "$CAMPIPE_RING_DIR"/campipe.yard.h264
  chmod 600 "$CAMPIPE_RING_DIR"/campipe.front.h264
  start s setpriv --reuid=65534 --regid=65534 --clear-groups -- env "PATH=$PATH" "CAMPIPE_RING_DIR=$CAMPIPE_RING_DIR" \
    camserve --http 127.0.0.1:0 --rtsp none 'shm:*.h264'
  wait_for_line 20 s.err "yard: h264 320x240"
  assert_equal "$(grep -c 'shm:front.h264' s.err)" 1 "lines about what may not be read"
  chmod 644 "$CAMPIPE_RING_DIR"/campipe.front.h264
  wait_for_line 10 s.err "front: h264 320x240"
}

@test "camserve wants frames of a ring only while somebody does" {
  camera front mjpeg
  serve s shm:front.mjpeg
  healthy
  wants() { [ "$(camring stat --json front.mjpeg | jq '[.readers[].wants] | any')" = "$1" ]; }
  wait_until 10 wants false
  start watcher curl -sN -o /dev/null "http://$HTTP/stream/front"
  wait_until 10 wants true
  assert_equal "$(api '.streams[0].wanted')" true
  stop watcher
  wait_until 10 wants false
  curl -fs -o /dev/null "http://$HTTP/snapshot/front"
  wait_until 10 wants false # and not for ever
}

@test "camserve lets a camera on demand rest, calls that idle, and wakes it for whoever comes" {
  start_sh grab "exec $(pattern 320x240 30 -o shm:front.raw --on-demand --linger 1s)"
  start_sh mjpeg "exec camenc --quiet -i shm:front.raw -o shm:front.mjpeg --on-demand --linger 1s"
  start_sh h264 "exec camenc --quiet -i shm:front.raw -c h264 -g 300 -o shm:front.h264 --on-demand --linger 1s"
  serve s 'shm:front.h264' 'shm:front.mjpeg'
  is_idle() { [ "$(state_of front)" = idle ]; }
  wait_until 20 is_idle
  assert_equal "$(curl -s -o /dev/null -w '%{http_code}' "http://$HTTP/health")" 200
  assert_contains "$(curl -s "http://$HTTP/metrics")" 'campipe_stream_idle{stream="front",rendition="",codec="mjpeg"} 1'
  asked=$(date +%s.%N)
  curl -fsS -D head.txt -o now.jpg "http://$HTTP/snapshot/front"
  stamp=$(grep -i '^x-timestamp' head.txt | tr -d '\r' | cut -d' ' -f2)
  assert_between "$(awk -v a="$asked" -v b="$stamp" 'BEGIN { print b - a }')" 0 5 "picture after the request"
  wait_until 20 is_idle
  asked=$(date +%s.%N)
  $PYTHON "$ROOT/tests/support/mjpeg_parts.py" "http://$HTTP/stream/front" 3 >parts.txt
  stamp=$(head -1 parts.txt | cut -d' ' -f1)
  assert_between "$(awk -v a="$asked" -v b="$stamp" 'BEGIN { print b - a }')" 0 10 "first picture after the request"
  wait_until 20 is_idle
  timeout 20 ffmpeg -nostdin -v error -rtsp_transport tcp -i "rtsp://$RTSP/front" -frames:v 5 -f null - 2>ffmpeg.err
  assert_equal "$(cat ffmpeg.err)" "" "complaints of the player"
  wait_until 20 is_idle
}

@test "viewers stay while camenc and camgrab behind rings are killed and started again" {
  start_grab() { start_sh grab "exec $(pattern 320x240 30 -o shm:front.raw)"; }
  start_enc() { start_sh "enc_$1" "exec camenc --quiet -i shm:front.raw -c $* -o shm:front.$1"; }
  start_grab
  start_enc mjpeg
  start_enc h264 -g 15
  serve s 'shm:*.h264' 'shm:*.mjpeg'
  two_streams() { [ "$(api '[.streams[] | select(.state == "flowing")] | length')" = 2 ]; }
  wait_until 20 two_streams
  start http_client $PYTHON "$ROOT/tests/support/mjpeg_parts.py" "http://$HTTP/stream/front" 0 http.mjpeg
  start rtsp_client ffmpeg -nostdin -v error -rtsp_transport tcp -i "rtsp://$RTSP/front" -c copy -f h264 -y rtsp.h264
  wait_for_line 20 s.err "playing over TCP"
  frames() { # NAME CODEC: sent to the only client of it
    curl -fs "http://$HTTP/api/clients" | jq "[.clients[] | select(.protocol == \"$1\") | .frames] | add // 0"
  }
  more_than() { [ "$(frames "$1")" -gt "$2" ]; }
  each_goes_on() {
    local http rtsp
    http=$(frames http-mjpeg)
    rtsp=$(frames rtsp-tcp)
    wait_until 20 more_than http-mjpeg $((http + 10))
    wait_until 20 more_than rtsp-tcp $((rtsp + 10))
  }
  each_goes_on
  kill_hard enc_mjpeg
  kill_hard enc_h264
  wait_for_line 20 s.err "shm:front.h264: its writer is gone"
  wait_for_line 20 s.err "shm:front.mjpeg: its writer is gone"
  start_enc mjpeg
  start_enc h264 -g 15
  each_goes_on
  kill_hard grab
  stands() { [ "$(state_of front)" = stalled ]; }
  wait_until 20 stands
  start_grab
  each_goes_on
  assert_equal "$(curl -fs "http://$HTTP/api/clients" | jq '.clients | length')" 2 "clients"
  assert_equal "$(grep -c 'playing over' s.err)" 1 "plays"
  assert_equal "$(grep ': closed:' s.err)" "" "closed"
}
