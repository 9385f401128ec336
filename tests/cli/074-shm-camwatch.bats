# Chains of camwatch whose stages are joined by rings.
load helper
load shm_helper

prepare() {
  R=t$$x$BATS_TEST_NUMBER
  export XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state XDG_CONFIG_HOME=$PWD/config
  mkdir -m 700 run
}

stage() { camwatch status --json | jq -r ".chains[0].stages[] | select(.name == \"$1\") | .$2"; }
is() { [ "$(stage "$1" "$2")" = "$3" ]; }
other_than() { local now; now=$(stage "$1" pid) && [ "$now" != null ] && [ "$now" != "$2" ]; }

@test "one ring feeds several stages, and who is stuck is restarted alone" {
  cat >c.yaml <<Y
version: 1
defaults: {restart: {first: 50ms, max: 200ms}, watchdog: {startup: 30s}}
chains:
  c:
    stages:
      grab: {cmd: [camgrab, pattern, -s, 320x240, -r, "15", -o, "shm:$R.raw"]}
      jpeg: {cmd: [camenc, -i, "shm:$R.raw", -o, "shm:$R.mjpeg"]}
      avc: {cmd: [camenc, -i, "shm:$R.raw", -c, h264, -o, "shm:$R.h264"]}
      rec: {cmd: [camrec, -i, "shm:$R.h264", $PWD/rec]}
      serve: {cmd: [camserve, --http, "127.0.0.1:0", --rtsp, none, "shm:$R.mjpeg", "shm:$R.h264"]}
Y
  run_tool camwatch check -c c.yaml
  start watch camwatch run -c c.yaml
  for name in grab jpeg avc rec serve; do wait_until 40 is $name state flowing; done
  for name in jpeg avc rec serve; do pids+=("$(stage $name pid)"); done
  grab=$(stage grab pid)
  kill -STOP "$grab"
  wait_until 60 other_than grab "$grab"
  for name in jpeg avc rec serve; do wait_until 40 is $name state flowing; done
  i=0
  for name in jpeg avc rec serve; do assert_equal "$(stage $name pid)" "${pids[$i]}" "process of $name" && i=$((i + 1)); done
  jpeg=$(stage jpeg pid)
  kill -KILL "$jpeg"
  wait_until 40 other_than jpeg "$jpeg"
  wait_until 40 is jpeg state flowing
  assert_equal "$(stage serve pid)" "${pids[3]}" "process of serve"
}

@test "link: shm joins one stage to many by a ring that camwatch names" {
  chain=l$R
  cat >c.yaml <<Y
version: 1
defaults: {restart: {first: 50ms, max: 200ms}, watchdog: {startup: 30s}}
chains:
  $chain:
    stages:
      grab: {cmd: [camgrab, pattern, -s, 320x240, -r, "15"]}
      avc: {from: grab, link: shm, cmd: [camenc, -c, h264]}
      jpeg: {from: grab, link: shm, cmd: [camenc]}
      rec: {from: avc, link: shm, cmd: [camrec, $PWD/rec]}
      serve: {from: [jpeg, avc], link: shm, cmd: [camserve, "cam=fd:in.jpeg", "cam=fd:in.avc", --http, "127.0.0.1:0", --rtsp, none]}
Y
  run_tool camwatch check -c c.yaml
  assert_contains "$output" "camgrab pattern -s 320x240 -r 15 -o shm:$chain.grab"
  assert_contains "$output" "cam=shm:$chain.jpeg cam=shm:$chain.avc"
  start watch camwatch run -c c.yaml
  for name in grab avc jpeg rec serve; do wait_until 40 is $name state flowing; done
  wait_until 20 bash -c "find rec -name '*.part' -size +100k | grep -q ."
  stop watch
  assert_equal "$(find rec -name '*.part' | wc -l)" 0
  [ -n "$(find rec -name '*.mp4')" ]
  run ! ls "${CAMPIPE_RING_DIR:-/dev/shm}/campipe.$chain.grab"
  sed 's/camgrab, pattern/ffmpeg, x/' c.yaml >foreign.yaml
  run_tool 78 camwatch check -c foreign.yaml
  assert_contains "$stderr" "only camgrab and camenc write rings"
}
