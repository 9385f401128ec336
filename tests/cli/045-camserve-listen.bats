# camserve: where it listens: unix sockets, several at once, sockets that were opened for it.
load helper
load camserve_helper

over() { curl -fsS --unix-socket "$1" "http://localhost$2"; }

# passed NAMES SOCKET...: camserve with open sockets; their ports in the file "ports"
passed() {
  start passed $PYTHON "$ROOT/tests/support/pass_sockets.py" "$@" -- camserve cam=never
  wait_until 5 test -s ports
}
is_rtsp() { $PYTHON "$ROOT/tests/support/http_talk.py" "$1" 2 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nConnection: close\r\n\r\n' | grep -q "RTSP/1.0 200"; }

@test "camserve serves HTTP on a unix socket, beside a port, and takes it away at the end" {
  serve s --http unix:cam.sock --socket-mode 600
  bash -c "$(pattern 320x240 30 -n 20) | camenc --quiet" >&9
  wait_until 5 over cam.sock /snapshot/cam.jpg -o now.jpg
  assert_equal "$(stat -c '%a %F' cam.sock)" "600 socket"
  assert_contains "$(cat s.err)" "curl --unix-socket cam.sock http://localhost/"
  curl -fsS "http://$HTTP/api/streams" >/dev/null
  start client curl -sS --unix-socket cam.sock -o client.mjpeg http://localhost/stream/cam
  wait_until 5 test -s client.mjpeg
  assert_equal "$(over cam.sock /api/clients | jq -r '.clients[0] | .address + " " + .peer')" "unix unix"
  stop s
  [ ! -e cam.sock ]
}

@test "camserve replaces the socket of a dead server and refuses that of a live one" {
  serve s --http unix:cam.sock
  kill_hard s
  [ -S cam.sock ]
  exec 9>&-
  rm s.in s.err
  serve s --http unix:cam.sock
  over cam.sock /api/streams >/dev/null
  run_tool 75 camserve --http unix:cam.sock --rtsp none cam=/dev/null
  assert_contains "$stderr" "another program listens there"
  over cam.sock /api/streams >/dev/null
  echo mine >file
  run_tool 73 camserve --http unix:file --rtsp none cam=/dev/null
  assert_equal "$(cat file)" mine
}

@test "camserve names what is wrong with where it should listen" {
  run_tool 64 camserve --http unix: cam=/dev/null
  run_tool 64 camserve --http none --rtsp unix:cam.sock cam=/dev/null
  assert_contains "$stderr" "players know no unix sockets"
  run_tool 64 camserve --http none --http :0 cam=/dev/null
  run_tool 64 camserve --socket-mode 888 cam=/dev/null
  run_tool 66 camserve --http unix:no/such/folder --rtsp none cam=/dev/null
}

@test "camserve listens on several addresses" {
  mkfifo never
  exec 8<>never
  start two camserve --http 127.0.0.1:0 --http '[::1]:0' --rtsp 127.0.0.1:0 --rtsp '[::1]:0' cam=never
  wait_until 5 bash -c "[ \$(grep -c rtsp:// two.err) = 2 ]"
  for url in $(grep -oE 'http://[^ ]+' two.err); do curl -fsS -g "${url}metrics" >/dev/null; done
  assert_equal "$(grep -c http:// two.err)" 2
  for at in $(grep -oE 'rtsp://[^/]+' two.err | cut -c8-); do is_rtsp "$at"; done
}

@test "camserve takes several sockets that were opened for it, by name" {
  mkfifo never
  exec 8<>never
  passed "rtsp:camserve-http.socket:http" "[::1]:0" 127.0.0.1:0 "$PWD/passed.sock"
  read -r rtsp http _ <ports
  wait_until 5 curl -fsS -o /dev/null "http://127.0.0.1:$http/metrics"
  over passed.sock /metrics >/dev/null
  wait_until 5 is_rtsp "[::1]:$rtsp"
  assert_contains "$(cat passed.err)" "curl --unix-socket $PWD/passed.sock"
}

@test "camserve tells sockets without names apart by their ports" {
  mkfifo never
  exec 8<>never
  passed - 127.0.0.1:0 127.71.0.9:8554 # an address that nobody else is likely to use
  read -r http _ <ports
  wait_until 5 curl -fsS -o /dev/null "http://127.0.0.1:$http/metrics"
  wait_until 5 is_rtsp 127.71.0.9:8554
}

@test "SIGHUP without a terminal is no end" {
  mkfifo hup.fifo
  start_sh source "$(pattern 320x240 10) | camenc --quiet -o hup.fifo"
  serve s cam=hup.fifo
  wait_until 20 curl -fs "http://$HTTP/snapshot/cam" -o now.jpg
  kill -HUP "$s_pid"
  wait_for_line 10 s.err "SIGHUP: goes on"
  curl -fs "http://$HTTP/snapshot/cam" -o now.jpg
  stop s
}
