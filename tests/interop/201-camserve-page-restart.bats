# The viewer page comes back by itself.
load ../cli/helper
load ../cli/camserve_helper

@test "the page shows pictures again within 5 s of a restart of camserve" {
  port=$(free_port)
  camserve_on() { start_sh "$1" "$(pattern 320x240 15) | camenc --quiet | camserve --http 127.0.0.1:$port --rtsp none"; }
  camserve_on first
  wait_for_line 10 first.err "http://"
  start page timeout 100 $PYTHON "$ROOT/tests/support/page_returns.py" "http://127.0.0.1:$port/"
  wait_for_line 60 page.out "shown"
  kill_hard first
  wait_for_line 15 page.out "away"
  camserve_on second
  wait_until 10 curl -fs "http://127.0.0.1:$port/health"
  wait_for_line 20 page.out "back after"
  assert_between "$(grep -oE 'back after [0-9.]+' page.out | cut -d' ' -f3)" 0 5 "seconds"
}
