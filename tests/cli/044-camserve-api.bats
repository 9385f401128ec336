# camserve: who is there, and how one of them is ended; stills that are newer than the question.
load helper
load camserve_helper

clients() { curl -fs "http://$HTTP/api/clients${2:+?stream=$2}" | jq -r "$1"; }
remove() { curl -s -o /dev/null -w '%{http_code}' -X DELETE "${@:2}" "http://$HTTP/api/clients/$1"; }

@test "camserve tells of one stream by its name, and of its clients" {
  mkfifo lo
  start_sh lo "$(pattern 320x180 15) | camenc --quiet -o lo"
  serve_pipe s "$(pattern 640x360 15) | camenc --quiet" cam/high=- cam/low=lo
  healthy
  assert_equal "$(api '.count')" 2
  one=$(curl -fs "http://$HTTP/api/streams/cam")
  assert_equal "$(jq -r '[.name, .has_current_frame, (.renditions | length)] | join(" ")' <<<"$one")" "cam true 2"
  assert_equal "$(jq -r '[.renditions[].path] | join(" ")' <<<"$one")" "cam/high cam/low"
  for field in created_at last_frame_time; do date -d "$(jq -r ".$field" <<<"$one")" >/dev/null; done
  start client curl -sS -o client.mjpeg "http://$HTTP/stream/cam/low"
  wait_until 5 test -s client.mjpeg
  assert_equal "$(clients '.count')" 1
  assert_equal "$(clients '.clients[0] | [.stream, .protocol, .address] | join(" ")')" "cam/low http-mjpeg 127.0.0.1"
  assert_equal "$(clients .count cam/high) $(clients .count cam/low)" "0 1"
  run curl -s -w '%{http_code}' "http://$HTTP/api/clients?stream=nix"
  assert_contains "$output" "no stream 'nix': there is cam/high, cam/low"
  assert_contains "$output" 404
}

@test "camserve ends the client that DELETE names, a stalled one too, and no other" {
  serve_pipe s "$(pattern 1280x720 20) | camenc --quiet -q 90"
  healthy
  start good $PYTHON "$ROOT/tests/support/mjpeg_parts.py" "http://$HTTP/stream/cam" 0
  wait_until 5 test -s good.out
  start player ffmpeg -nostdin -v error -rtsp_transport tcp -i "rtsp://$RTSP/cam" -f null -
  wait_until 10 bash -c "curl -fs http://$HTTP/api/clients | grep -q rtsp-tcp"
  start stalled $PYTHON "$ROOT/tests/support/mjpeg_parts.py" --stall "http://$HTTP/stream/cam" 30
  wait_until 20 bash -c "curl -fs http://$HTTP/api/clients | jq -e '.clients[] | select(.lag_ms > 500)'"
  stalled=$(clients '.clients[] | select(.lag_ms > 500) | .id')
  player=$(clients '.clients[] | select(.protocol == "rtsp-tcp") | .id')
  assert_equal "$(remove "$stalled") $(remove "$player")" "204 204"
  assert_equal "$(clients .count)" 1
  ends player
  wait_for_line 15 stalled.out "closed after"
  assert_equal "$(remove "$stalled") $(remove x)" "404 404"
  before=$(wc -l <good.out)
  wait_until 5 bash -c "[ \$(wc -l <good.out) -gt $before ]"
  metrics=$(curl -fs "http://$HTTP/metrics")
  assert_contains "$metrics" 'campipe_clients_closed_total{protocol="http-mjpeg",reason="kicked"} 1'
  assert_contains "$metrics" 'campipe_clients_closed_total{protocol="rtsp-tcp",reason="kicked"} 1'
  assert_contains "$metrics" 'campipe_delivered_clients_total{stream="cam",rendition="",codec="mjpeg",protocol="http-mjpeg"} 2'
}

@test "camserve lets no page from elsewhere end a client" {
  serve_pipe s "$(pattern 320x240 20) | camenc --quiet"
  healthy
  start client curl -sS -o client.mjpeg "http://$HTTP/stream/cam"
  wait_until 5 test -s client.mjpeg
  id=$(clients '.clients[0].id')
  assert_equal "$(remove "$id" -H 'Origin: http://evil.example')" 403
  assert_equal "$(remove "$id" -H 'Sec-Fetch-Site: cross-site')" 403
  run curl -si -X OPTIONS -H 'Origin: http://evil.example' -H 'Access-Control-Request-Method: DELETE' "http://$HTTP/api/clients/$id"
  [[ $output == "HTTP/1.1 204"* && $output != *Access-Control* ]]
  assert_equal "$(clients .count)" 1
  assert_equal "$(remove "$id" -H "Origin: http://$HTTP")" 204
}

@test "camserve gives a still that is newer than the request to those who ask for it" {
  serve_pipe s "$(pattern 320x240 5) | camenc --quiet"
  healthy
  for i in 1 2 3; do
    asked=$(date +%s.%N)
    curl -fsS -D head.txt -o now.jpg "http://$HTTP/snapshot/cam?fresh=1"
    stamp=$(grep -i '^x-timestamp' head.txt | tr -d '\r' | cut -d' ' -f2)
    [ "$(awk -v a="$asked" -v b="$stamp" 'BEGIN { print (b > a) }')" = 1 ] || { echo "asked at $asked, taken at $stamp" >&2; return 1; }
  done
}

@test "camserve says why there is no newer still" {
  serve s
  bash -c "$(pattern 320x240 30 -n 20) | camenc --quiet" >&9
  wait_until 5 curl -fs -o /dev/null "http://$HTTP/snapshot/cam"
  run curl -s -w ' %{http_code}' "http://$HTTP/snapshot/cam?fresh=1"
  assert_contains "$output" "cam: no "
  assert_contains "$output" " 503"
}

@test "camserve wakes a ring that rests for a newer still, of MJPEG and of H.264" {
  export CAMPIPE_RING_DIR=$PWD
  rests() { [ "$(grep -c "nobody wants frames" "$1.err")" -gt "$(grep -c "wanted again" "$1.err")" ]; }
  start grab camgrab pattern -s 320x240 -r 10 -o shm:cam.raw --on-demand --linger 300ms
  start jpeg camenc -i shm:cam.raw -o shm:a.mjpeg --on-demand --linger 300ms
  start h264 camenc -i shm:cam.raw -c h264 -g 1000 -o shm:b.h264 --on-demand --linger 300ms
  serve s shm:a.mjpeg shm:b.h264
  for name in jpeg h264; do wait_until 20 rests "$name"; done
  wait_until 10 bash -c "curl -fs http://$HTTP/health | jq -e '.status == \"healthy\" and .idle_streams == 2'"
  for name in a b; do
    asked=$(date +%s.%N)
    curl -fsS -D head.txt -o now.jpg "http://$HTTP/snapshot/$name?fresh=1"
    assert_equal "$(ffprobe -v error -show_entries stream=codec_name,width -of csv=p=0 now.jpg)" mjpeg,320
    stamp=$(grep -i '^x-timestamp' head.txt | tr -d '\r' | cut -d' ' -f2)
    [ "$(awk -v a="$asked" -v b="$stamp" 'BEGIN { print (b > a) }')" = 1 ] || { echo "$name: asked at $asked, taken at $stamp" >&2; return 1; }
  done
}
