# For the tests of camserve: `load camserve_helper` after `load helper`.

# serve NAME ARG...: camserve with free ports in the background, stdin from the FIFO `NAME.in` that the test holds open as
# descriptor 9; sets $HTTP and $RTSP (host:port).
serve() {
  local name=$1
  shift
  mkfifo "$name.in"
  setsid camserve --http 127.0.0.1:0 --rtsp 127.0.0.1:0 "$@" <"$name.in" >"$name.out" 2>"$name.err" 3>&- 4>&- &
  exec 9>"$name.in"
  started "$name" "$!" camserve
  find_ports "$name"
}

# serve_pipe NAME 'PIPELINE' ARG...: the same behind a pipeline
serve_pipe() {
  local name=$1 pipeline=$2
  shift 2
  start_sh "$name" "$pipeline | camserve --http 127.0.0.1:0 --rtsp 127.0.0.1:0 $*"
  find_ports "$name"
}

find_ports() {
  wait_for_line 10 "$1.err" "rtsp://"
  HTTP=$(grep -oE 'http://[^/]+' "$1.err" | head -1 | cut -c8-)
  RTSP=$(grep -oE 'rtsp://[^/]+' "$1.err" | head -1 | cut -c8-)
}

# healthy [SECONDS]: all streams flow
healthy() {
  wait_until "${1:-10}" curl -fs "http://$HTTP/health" || {
    curl -s "http://$HTTP/health" >&2
    return 1
  }
}

# api JQ-EXPRESSION: of /api/streams
api() {
  curl -fs "http://$HTTP/api/streams" | jq -r "$1"
}

pattern() { # SIZE RATE [CAMGRAB OPTION...]
  echo "camgrab pattern -s $1 -r $2 ${*:3} --quiet"
}
