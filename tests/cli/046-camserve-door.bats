# camserve: by which names and spellings it is asked, and what it writes of those who ask.
load helper
load camserve_helper

talk() { $PYTHON "$ROOT/tests/support/http_talk.py" "$1" 5 "$2"; }
status() { curl -s -o body -w '%{http_code}' --path-as-is -m 2 "http://$HTTP$1" "${@:2}" || :; }

@test "camserve takes the spellings of mjpg-streamer's clients" {
  serve_pipe s "$(pattern 320x240 15) | camenc --quiet"
  healthy
  for path in '/?action=snapshot?dummy=param.jpg' '/?action=snapshot_0' '//?action=snapshot' '//snapshot/cam' '/snapshot/c%61m/' \
    '/?action=stream?dummy=param.mjpg' '/?action=stream_0' '//?action=stream'; do
    assert_equal "$path $(status "$path")" "$path 200"
  done
  assert_equal "$(status '/?action=stream_1')" 404
  assert_equal "$(status '/stream/../cam')" 400
  assert_equal "$(status '/stream%2Fcam')" 400
  assert_contains "$(cat body)" "the URL cannot be read"
}

@test "camserve answers by its own names, and those that --host gives" {
  serve s --host cam.example.org --host '*.example.net'
  for name in localhost cam "$(hostname)" "$(hostname -s).local" '[::1]:8080' 192.0.2.7 cam.example.org:443 CAM.example.org. \
    a.example.net; do
    assert_equal "$name $(status /api/streams -H "Host: $name")" "$name 200"
  done
  for name in evil.example example.net cam.example.org.evil.example 127.0.0.1.evil.example; do
    assert_equal "$name $(status /api/streams -H "Host: $name" -H 'X-Forwarded-Host: localhost')" "$name 421"
  done
  assert_contains "$(cat body)" "--host 127.0.0.1.evil.example"
  assert_equal "$(grep -c "asked for 'evil.example'" s.err)" 1
  assert_contains "$(curl -s "http://$HTTP/metrics")" "campipe_http_hosts_refused_total 4"
  assert_contains "$(talk "$HTTP" 'GET /api/streams HTTP/1.0\r\n\r\n')" "200 OK"
  run_tool 64 camserve --host http://cam.example.org/ cam=/dev/null
}

@test "camserve writes an access log without secrets, and goes on after logrotate" {
  serve_pipe s "$(pattern 320x240 15) | camenc --quiet" --access-log access.log
  healthy
  status '/snapshot/cam?token=geheim' -A 'agent "x"' >/dev/null
  wait_for_line 5 access.log 'token='
  assert_contains "$(cat access.log)" '"GET /snapshot/cam?token=*** HTTP/1.1" 200 '
  assert_contains "$(cat access.log)" 'agent \x22x\x22'
  run ! grep geheim access.log
  talk "$RTSP" 'DESCRIBE rtsp://h/nix RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: p\r\nConnection: close\r\n\r\n' >/dev/null
  wait_for_line 5 access.log '"DESCRIBE rtsp://h/nix RTSP/1.0" 404 0 "-" "p"'
  mv access.log access.log.1
  wait_until 5 test -e access.log
  status /health >/dev/null
  wait_for_line 5 access.log '"GET /health HTTP/1.1" '
  run_tool 73 camserve --access-log no/such/folder cam=/dev/null
  run_tool 64 camserve --access-log - cam=/dev/null
}

@test "camserve has a line in the access log for each RTSP session" {
  serve_pipe s "$(pattern 320x240 30) | camenc --quiet" --access-log access.log
  healthy
  start player ffmpeg -v error -rtsp_transport tcp -i "rtsp://$RTSP/cam" -frames:v 5 -f null -
  ends player
  wait_for_line 5 access.log '"PLAY rtsp://'
  assert_equal "$(grep -c '"PLAY ' access.log)" 1
  assert_contains "$(grep '"PLAY ' access.log)" '" 200 '
}

@test "camserve serves RTSP where it serves HTTP, and the page knows where it does not" {
  mkfifo never
  exec 8<>never
  start s camserve --http 127.71.1.1:0 cam=never
  wait_for_line 10 s.err 'rtsp://127.71.1.1:8554/cam'
  HTTP=$(grep -oE 'http://[^/]+' s.err | head -1 | cut -c8-)
  assert_equal "$(api .rtsp_port)" 8554
  start other camserve --http 127.71.1.1:0 cam=never
  wait_for_line 10 other.err 'RTSP is not served on 127.71.1.1: --rtsp 127.71.1.1:8554: Address already in use'
  HTTP=$(wait_for_line 10 other.err 'http://' && grep -oE 'http://[^/]+' other.err | head -1 | cut -c8-)
  assert_equal "$(api .rtsp_port)" null
  run ! grep rtsp:// other.err
  start apart camserve --http 127.71.1.2:0 --rtsp 127.71.1.3:0 cam=never
  wait_for_line 10 apart.err rtsp://
  HTTP=$(grep -oE 'http://[^/]+' apart.err | head -1 | cut -c8-)
  assert_equal "$(api .rtsp_port)" null
}
