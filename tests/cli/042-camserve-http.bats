# camserve: how it speaks HTTP.
load helper
load camserve_helper

talk() { $PYTHON "$ROOT/tests/support/http_talk.py" "$HTTP" "${2:-2}" "$1"; }

@test "camserve answers HEAD, GET and nothing else" {
  serve s
  assert_contains "$(curl -sI "http://$HTTP/")" "200 OK"
  assert_equal "$(curl -s -o /dev/null -w '%{http_code}' -X POST -d x "http://$HTTP/")" 405
  assert_equal "$(curl -s -o /dev/null -w '%{http_code}' -X BREW "http://$HTTP/")" 405
  assert_contains "$(curl -si -X DELETE "http://$HTTP/")" "Allow: GET, HEAD"
}

@test "camserve keeps a connection for several requests, pipelined or not" {
  serve s
  run curl -sv "http://$HTTP/api/streams" "http://$HTTP/metrics"
  assert_contains "$output" "Re-using existing connection"
  run talk 'GET /health HTTP/1.1\r\n\r\nGET /nix HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n' 5
  assert_equal "$(grep -c '^HTTP/1.1 ' <<<"$output")" 3
  assert_contains "$output" "campipe_uptime_seconds"
}

@test "camserve closes after HTTP/1.0 and after garbage" {
  serve s
  run talk 'GET /health HTTP/1.0\r\n\r\n' 5
  assert_contains "$output" "Connection: close"
  run talk '\x16\x03\x01\x00\xff\x01' 5
  assert_contains "$output" "400 Bad Request"
}

@test "camserve lists its streams where a name is wrong" {
  mkfifo never
  exec 8<>never
  serve s yard/low=never
  run curl -s "http://$HTTP/stream/nix"
  assert_equal "$output" "no stream 'nix': there is yard/low"
}

@test "camserve tells its state as JSON and to Prometheus" {
  serve_pipe s "$(pattern 320x240 30) | camenc --quiet"
  healthy
  assert_equal "$(api '.streams[0] | [.name, .codec, .width, .height, .state] | join(" ")')" "cam mjpeg 320 240 flowing"
  wait_until 10 bash -c "curl -fs http://$HTTP/api/streams | jq -e '.streams[0].fps > 25'"
  start client curl -sS -o client.mjpeg "http://$HTTP/stream/cam"
  wait_until 5 test -s client.mjpeg
  assert_equal "$(curl -fs "http://$HTTP/api/clients" | jq -r '.clients[0].protocol')" http-mjpeg
  metrics=$(curl -fs "http://$HTTP/metrics")
  assert_contains "$metrics" 'campipe_clients{stream="cam",rendition="",codec="mjpeg",protocol="http-mjpeg"} 1'
  assert_contains "$metrics" 'campipe_stream_up{stream="cam",rendition="",codec="mjpeg"} 1'
}

@test "camserve tells the truth in /health when frames stop" {
  serve s
  run curl -s -o body -w '%{http_code}' "http://$HTTP/health"
  assert_equal "$output $(jq -r '.status + ", " + .reasons[]' body)" "503 degraded, cam: no frame yet"
  bash -c "$(pattern 320x240 30 -n 20) | camenc --quiet" >&9
  healthy 3
  assert_equal "$(curl -s "http://$HTTP/health" | jq -c '[.status, .active_streams, .reasons]')" '["healthy",1,[]]'
  wait_until 5 bash -c "! curl -fs http://$HTTP/health"
  assert_contains "$(curl -s "http://$HTTP/health")" "cam: no frame for"
  assert_equal "$(api '.streams[0].state')" stalled
}

@test "camserve refuses connections over --max-clients" {
  serve s --max-clients 2
  for i in 1 2; do start "held$i" $PYTHON -c "
import socket, time
host, port = '$HTTP'.split(':'); s = socket.create_connection((host, int(port))); open('held$i', 'w'); time.sleep(20)"; done
  wait_until 5 test -e held1 -a -e held2
  wait_until 5 bash -c "[ \$(curl -s -o /dev/null -w '%{http_code}' http://$HTTP/metrics) = 503 ]"
}

@test "camserve sends the viewer page with a strict policy and nothing from outside" {
  serve s
  curl -fsS -D head.txt -o page.html "http://$HTTP/"
  assert_contains "$(cat head.txt)" "Content-Security-Policy: default-src 'none'"
  run ! grep -E 'https?://[^w]|@import|src=.?//' page.html
}

@test "camserve closes clients that never read in 10 s, and the others lose nothing" {
  mkfifo copy
  start copy cat copy
  serve_pipe s "$(pattern 1280x720 20) | camenc --quiet -q 90 | tee copy"
  healthy
  for i in 1 2 3 4 5; do start "bad$i" $PYTHON "$ROOT/tests/support/mjpeg_parts.py" --stall "http://$HTTP/stream/cam" 30; done
  for i in 1 2 3; do start "good$i" $PYTHON "$ROOT/tests/support/mjpeg_parts.py" "http://$HTTP/stream/cam" 240; done
  for i in 1 2 3 4 5; do
    wait_for_line 25 "bad$i.out" "closed after"
    assert_between "$(cut -d' ' -f3 "bad$i.out")" 9 14 "seconds until client $i was closed"
  done
  for i in 1 2 3; do ends "good$i"; done
  assert_contains "$(curl -fs "http://$HTTP/metrics")" 'campipe_clients_closed_total{protocol="http-mjpeg",reason="stuck"} 5'
  kill "$(pgrep -g "$s_pid" camgrab)"
  ends copy
  ends s
  ffprobe -v error -show_entries packet=pts_time -of csv=p=0 copy.out | tr -d , >pts.txt
  for i in 1 2 3; do
    cut -d' ' -f1 "good$i.out" >stamps.txt
    assert_equal "$(wc -l <stamps.txt)" 240 "parts of good client $i"
    assert_equal "$(cat stamps.txt)" "$(grep -A 239 "^$(head -1 stamps.txt)$" pts.txt)" "times of good client $i"
  done
}
