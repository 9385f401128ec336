# camserve: what it serves, when it ends, what it tells.
load helper
load camserve_helper

@test "camserve --help and --version answer on stdout" {
  run_tool camserve --help
  assert_contains "$output" "Examples:"
  run_tool camserve --version
  assert_contains "$output" "camserve "
}

@test "camserve links no FFmpeg and no libjpeg" {
  run ldd "$(command -v camserve)"
  [[ $output != *libav* && $output != *libsw* && $output != *jpeg* ]]
}

@test "camserve gives each picture of a pipe to a client, in order, and ends with its input" {
  serve_pipe s "$(pattern 320x240 30 -n 90) | camenc --quiet"
  count=$($PYTHON "$ROOT/tests/support/mjpeg_parts.py" "http://$HTTP/stream/cam" 0 all.mjpeg | tee parts.txt | wc -l)
  assert_between "$count" 1 90 "parts"
  numbers=$(counters all.mjpeg 320 240)
  assert_equal "$(tail -1 <<<"$numbers")" 89 "last counter"
  assert_equal "$numbers" "$(seq "$(head -1 <<<"$numbers")" 89)" "counters"
  ends s
}

@test "camserve puts the exact capture time and sequence on each picture" {
  mkfifo copy
  serve_pipe s "$(pattern 320x240 30 --duration 4s) | camenc --quiet | tee copy"
  start copy cat copy
  $PYTHON "$ROOT/tests/support/mjpeg_parts.py" "http://$HTTP/stream/cam" 0 >parts.txt
  ends s
  ends copy
  ffprobe -v error -show_entries packet=pts_time -of csv=p=0 copy.out | tr -d , >pts.txt
  cut -d' ' -f1 parts.txt >stamps.txt
  assert_between "$(wc -l <stamps.txt)" 30 121 "parts"
  assert_equal "$(cat stamps.txt)" "$(tail -n "$(wc -l <stamps.txt)" pts.txt)" "times"
  first=$(head -1 parts.txt | cut -d' ' -f2)
  assert_equal "$(cut -d' ' -f2 parts.txt)" "$(seq "$first" $((first + $(wc -l <parts.txt) - 1)))" "sequence"
}

@test "camserve answers a snapshot with the newest picture" {
  serve_pipe s "$(pattern 320x240 30) | camenc --quiet"
  healthy
  curl -fsS -D head.txt -o now.jpg "http://$HTTP/snapshot/cam.jpg"
  assert_contains "$(cat head.txt)" "Content-Type: image/jpeg"
  assert_equal "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 now.jpg)" mjpeg,320,240
  stamp=$(grep -i '^x-timestamp' head.txt | tr -d '\r' | cut -d' ' -f2)
  assert_between "$(awk -v a="$(date +%s.%N)" -v b="$stamp" 'BEGIN { print a - b }')" 0 2 "age"
}

@test "camserve makes a snapshot of H.264 by camenc, and /stream names the command to add" {
  serve_pipe s "$(pattern 320x240 30) | camenc --quiet -c h264"
  healthy
  curl -fsS -o key.jpg "http://$HTTP/snapshot/cam"
  assert_equal "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 key.jpg)" mjpeg,320,240
  run curl -s -w '%{http_code}' "http://$HTTP/stream/cam"
  assert_contains "$output" "camenc -c mjpeg"
  assert_contains "$output" 406
  assert_equal "$(pgrep -P "$(pgrep -g "$s_pid" camserve)" | wc -l)" 0 "children left"
}

@test "camserve serves several inputs, renditions and two codecs of one name" {
  mkfifo hi lo h264
  start_sh hi "$(pattern 640x360 15) | camenc --quiet -o hi"
  start_sh lo "$(pattern 320x180 15) | camenc --quiet -o lo"
  start_sh h264 "$(pattern 640x360 15) | camenc --quiet -c h264 -o h264"
  serve s cam/high=hi cam/low=lo cam/high=h264
  healthy
  assert_equal "$(api '[.streams[] | .path + " " + .codec] | join(",")')" "cam/high mjpeg,cam/low mjpeg,cam/high h264"
  assert_equal "$(api '.streams[1].width')" 320
  curl -fsS "http://$HTTP/snapshot/cam" | ffprobe -v error -show_entries stream=width -of csv=p=0 - | grep -qx 640
  curl -fsS "http://$HTTP/snapshot/cam/low.jpg" | ffprobe -v error -show_entries stream=width -of csv=p=0 - | grep -qx 320
}

@test "camserve goes on with one input when another ends badly" {
  mkfifo good
  head -c 100000 /dev/urandom >noise
  start_sh good "$(pattern 320x240 15) | camenc --quiet -o good"
  serve s good=good bad=noise
  wait_for_line 10 s.err "bad: "
  wait_until 10 curl -fs "http://$HTTP/snapshot/good" -o now.jpg
  run curl -s -w ' %{http_code}' "http://$HTTP/health"
  assert_contains "$output" "bad: the input ended"
  assert_contains "$output" 503
  stop s # while its other input flows; the failure has been told
}

@test "camserve keeps its clients when the writer of its input is restarted" {
  serve s
  bash -c "$(pattern 320x240 30 --duration 2s) | camenc --quiet" >&9
  start client $PYTHON "$ROOT/tests/support/mjpeg_parts.py" "http://$HTTP/stream/cam" 0 9>&- # it would hold the input open
  wait_until 10 test -s client.out
  for _ in 1 2; do bash -c "$(pattern 320x240 30 --duration 1s) | camenc --quiet" >&9; done
  before=$(wc -l <client.out)
  assert_between "$before" 40 70 "parts through two restarts"
  kill -0 "$client_pid"
  exec 9>&-
  ends client
}

@test "camserve follows another picture size" {
  serve s
  bash -c "$(pattern 320x240 30 -n 20) | camenc --quiet" >&9
  start client $PYTHON "$ROOT/tests/support/mjpeg_parts.py" "http://$HTTP/stream/cam" 0 all.mjpeg 9>&- # it would hold the input open
  wait_until 10 test -s client.out
  bash -c "$(pattern 640x480 30 -n 20) | camenc --quiet" >&9
  wait_until 10 bash -c "[ \$(wc -l <client.out) -ge 21 ]"
  assert_equal "$(api '.streams[0].width')" 640
  exec 9>&-
  ends client
}

@test "camserve stops at SIGTERM within two seconds, with clients, and exits 0" {
  serve_pipe s "$(pattern 320x240 30) | camenc --quiet"
  healthy
  start client curl -sS -o client.mjpeg "http://$HTTP/stream/cam"
  wait_until 5 test -s client.mjpeg
  pid=$(pgrep -g "$s_pid" camserve)
  begin=$(date +%s%N)
  kill -TERM "$pid"
  wait_until 3 not_running_pid "$pid"
  assert_between $((($(date +%s%N) - begin) / 1000000)) 0 2000 "ms"
  ends client # curl got a clean end
  ends s
}
not_running_pid() { ! kill -0 "$1" 2>/dev/null; }

@test "camserve exits 0 at SIGTERM" {
  serve s
  stop s
}

@test "camserve says READY and how frames flow to the service manager" {
  start notify $PYTHON -c '
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("notify.sock"); open("bound", "w")
while True: print(s.recv(4096).decode().replace("\n", " "), flush=True)'
  wait_until 5 test -e bound
  export NOTIFY_SOCKET=$PWD/notify.sock
  serve s
  wait_for_line 5 notify.out READY=1
  wait_for_line 5 notify.out X_CAMPIPE_STATE=waiting
  bash -c "unset NOTIFY_SOCKET; $(pattern 320x240 30 --duration 3s) | camenc --quiet" >&9
  wait_for_line 5 notify.out X_CAMPIPE_STATE=flowing
  wait_for_line 5 notify.out WATCHDOG=1
  wait_for_line 6 notify.out X_CAMPIPE_STATE=stalled
}

@test "camserve takes sockets that were opened for it, by name" {
  cat >pass.py <<'PY'
import os, socket
http = socket.create_server(("127.0.0.1", 0)); rtsp = socket.create_server(("127.0.0.1", 0))
open("port", "w").write(str(http.getsockname()[1]))
os.dup2(rtsp.fileno(), 13); os.dup2(http.fileno(), 14)
os.dup2(13, 3); os.dup2(14, 4)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="rtsp:http")
os.execvp("camserve", ["camserve", "cam=never"])
PY
  mkfifo never
  exec 9<>never
  start passed $PYTHON pass.py camserve
  wait_until 5 test -s port
  wait_until 5 curl -s "http://127.0.0.1:$(cat port)/api/streams"
  stop passed
}

@test "camserve listens for all addresses with one warning, and on IPv6" {
  mkfifo never
  exec 9<>never
  start all camserve --http :0 --rtsp none cam=never
  wait_for_line 5 all.err "there are no users yet"
  port=$(grep -oE 'http://[^/]+' all.err | grep -oE '[0-9]+$')
  curl -fsS "http://127.0.0.1:$port/metrics" >/dev/null
  curl -fsS -g "http://[::1]:$port/metrics" >/dev/null
  assert_equal "$(grep -c 'no users' all.err)" 1
  start six camserve --http '[::1]:0' --rtsp none cam=never
  wait_for_line 5 six.err "http://[::1]:"
}

@test "camserve says once that a sound cannot go by RTSP" {
  for encoder in libmp3lame:mp3 pcm_s16le:pcm_s16le; do
    ffmpeg -v error -f lavfi -i testsrc=s=160x120:r=15 -f lavfi -i sine=r=44100 -t 2 -c:v mjpeg -c:a "${encoder%:*}" -f nut -y av.nut
    run --separate-stderr timeout 20 camserve --http none --rtsp 127.0.0.1:0 <av.nut
    assert_equal "$status" 0
    assert_equal "$(grep -c "cam: its ${encoder#*:} audio is left out of RTSP" <<<"$stderr")" 1 "lines about ${encoder#*:}"
    run --separate-stderr timeout 20 camserve --http 127.0.0.1:0 --rtsp none <av.nut
    assert_equal "$(grep -c "left out" <<<"$stderr")" 0 "lines without RTSP"
  done
}
