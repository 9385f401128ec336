# The README's first command, as a newcomer runs it, in a copy of the repository.
load ../cli/helper

@test "quickstart.sh builds, shows the pattern within 3 s, records, and Ctrl-C ends everything" {
  (cd "$ROOT" && git ls-files -z | xargs -0 tar -c) | tar -x
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  port=$(free_port) rtsp_port=$(free_port)
  # a time stamp a line shows when the build was over; what bash starts in the background ignores Ctrl-C until told otherwise
  start_sh quick "env --default-signal=INT examples/quickstart.sh --yes --folder '$PWD/disk' --port $port --rtsp-port $rtsp_port pattern 2>&1 |
    while IFS= read -r line; do printf '%s %s\n' \"\$(date +%s.%N)\" \"\$line\"; done"
  wait_for_line 900 quick.out "In a browser"
  built=$(grep 'In a browser' quick.out | cut -d' ' -f1)
  wait_until 30 curl -sf -o first.jpg "http://127.0.0.1:$port/snapshot/cam"
  first=$(date +%s.%N)
  echo "# first picture after $(echo "$first - $built" | bc 2>/dev/null || awk "BEGIN{print $first - $built}") s" >&3
  timeout 20 ffmpeg -v error -f mpjpeg -i "http://127.0.0.1:$port/stream/cam" -frames:v 30 -f null -
  timeout 20 ffmpeg -v error -rtsp_transport tcp -i "rtsp://127.0.0.1:$rtsp_port/cam" -frames:v 30 -f null -
  curl -sf "http://127.0.0.1:$port/" | grep -q '<html'
  # Ctrl-C reaches the whole foreground group
  kill -INT -- "-$quick_pid"
  expect_exit quick 0 130 # the second is what a shell says that was interrupted
  ends quick
  run ! pgrep -f "$PWD/build/release/bin"
  file=$(find disk -name '*.mp4' | head -1)
  assert_between "$(count_frames "$file")" 30 100000 "recorded frames"
}
