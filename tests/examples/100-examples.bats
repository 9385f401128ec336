# Every script in examples/ is run as a user runs it, and what comes out is decoded and counted.
load ../cli/helper

EXAMPLES=$ROOT/examples

clean_up() {
  [ -z "${rings:-}" ] || rm -rf "$rings"
}

# Rings of this test alone
own_rings() {
  rings=$(mktemp -d /dev/shm/examples_XXXXXX)
  export CAMPIPE_RING_DIR=$rings CAMPIPE_RING_LIBRARY=$CAMPIPE_BIN/../lib/libcampipe-ring.so.0
}

serve_ports() {
  port=$(free_port)
  rtsp_port=$(free_port)
  export HTTP=127.0.0.1:$port RTSP=127.0.0.1:$rtsp_port PYTHON
}

healthy() { curl -sf -o /dev/null --max-time 2 "http://127.0.0.1:$port/health"; }

# Frames that really arrive and decode from a running example; $1 = path of the stream, $2 = how many
decodes_from_http() {
  wait_until 20 healthy || { cat example.err >&2; return 1; }
  timeout 30 ffmpeg -y -v error -f mpjpeg -i "http://127.0.0.1:$port$1" -map 0:v -frames:v "$2" -c copy -f nut seen.nut
  assert_equal "$(count_frames seen.nut)" "$2" "frames over HTTP"
}

# The pattern's numbers in what was seen go up one by one; $1 $2 = size of the picture
numbers_are_consecutive() {
  counters seen.nut "$1" "$2" >seen.txt
  run -0 awk 'NR > 1 && $1 != last + 1 { bad = 1 } { last = $1 } END { exit bad || NR < 2 }' seen.txt
}

decodes_from_rtsp() { # URL FRAMES
  timeout 30 ffmpeg -y -v error -rtsp_transport tcp -i "$1" -map 0:v -frames:v "$2" -c copy -f nut rtsp.nut
  assert_equal "$(count_frames rtsp.nut)" "$2" "frames over RTSP"
}

@test "usb-camera-to-browser.sh shows the camera in the browser" {
  serve_ports
  start example "$EXAMPLES/usb-camera-to-browser.sh" pattern
  decodes_from_http /stream/cam 30
  numbers_are_consecutive 1280 720
}

@test "rtsp-camera-to-browser-and-disk.sh shows and records an RTSP camera" {
  serve_ports
  camera_port=$(free_port)
  start_sh camera "camgrab pattern -s 640x360 -r 30 | camenc -c h264 | camserve --http none --rtsp 127.0.0.1:$camera_port"
  CAMGRAB_URL=rtsp://user:secret@127.0.0.1:$camera_port/cam start example "$EXAMPLES/rtsp-camera-to-browser-and-disk.sh" "$PWD/disk"
  decodes_from_http /stream/camera 10
  decodes_from_rtsp "rtsp://127.0.0.1:$rtsp_port/camera" 30
  run ! grep -q secret example.err
  stop_background
  file=$(find disk -name '*.mp4' | head -1)
  [ -n "$file" ]
  frames=$(count_frames "$file")
  assert_between "$frames" 30 100000 "recorded frames"
}

@test "snapshot-every-minute.sh leaves a whole picture and renews it" {
  start example "$EXAMPLES/snapshot-every-minute.sh" pattern now.jpg 0.5
  wait_until 15 test -s now.jpg
  first=$(stat -c %i now.jpg)
  for _ in 1 2 3; do
    assert_equal "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 now.jpg)" "mjpeg,1280,720"
    sleep 0.3
  done
  wait_until 10 bash -c "[ \$(stat -c %i now.jpg) != $first ]"
}

@test "ffmpeg-in-the-middle.sh filters the pictures and keeps their times" {
  serve_ports
  start example "$EXAMPLES/ffmpeg-in-the-middle.sh" pattern
  decodes_from_http /stream/cam 30
  # capture times survive ffmpeg: the part headers are of now, not of a clock that ffmpeg started at 0
  stamp=$(timeout 10 curl -sN "http://127.0.0.1:$port/stream/cam" | grep -am1 -oE 'X-Timestamp: [0-9]+' | grep -oE '[0-9]+')
  assert_between "$stamp" $(($(date +%s) - 20)) $(($(date +%s) + 1)) "X-Timestamp"
}

# What rpicam-vid writes to stdout, from FFmpeg's encoders
fake_rpicam() {
  mkdir -p bin
  cat >bin/rpicam-vid <<'SH'
#!/usr/bin/env bash
case "$*" in
  *"--codec mjpeg"*) exec ffmpeg -v error -re -f lavfi -i testsrc2=s=640x480:r=30 -c:v mjpeg -q:v 5 -flush_packets 1 -f mjpeg - ;;
  *"--codec h264"*) exec ffmpeg -v error -re -f lavfi -i testsrc2=s=640x480:r=30 -c:v libx264 -preset ultrafast -tune zerolatency -g 30 -flush_packets 1 -f h264 - ;;
esac
exit 1
SH
  chmod +x bin/rpicam-vid
  PATH=$PWD/bin:$PATH
}

@test "rpicam-to-browser.sh serves the bare JPEG of a Raspberry Pi" {
  serve_ports
  fake_rpicam
  start example "$EXAMPLES/rpicam-to-browser.sh" --width 640 --height 480
  decodes_from_http /stream/cam 30
}

@test "rpicam-h264-to-rtsp.sh serves the bare H.264 of a Raspberry Pi" {
  serve_ports
  fake_rpicam
  start example "$EXAMPLES/rpicam-h264-to-rtsp.sh" --width 640 --height 480
  wait_until 20 healthy
  decodes_from_rtsp "rtsp://127.0.0.1:$rtsp_port/cam" 60
}

@test "gstreamer-raw-in.sh takes Y4M from GStreamer" {
  serve_ports
  start example "$EXAMPLES/gstreamer-raw-in.sh"
  decodes_from_http /stream/cam 30
}

@test "gstreamer-jpeg-in.sh takes JPEG from GStreamer" {
  serve_ports
  start example "$EXAMPLES/gstreamer-jpeg-in.sh"
  decodes_from_http /stream/cam 30
}

@test "python-in-the-middle.sh works on every picture" {
  serve_ports
  start example "$EXAMPLES/python-in-the-middle.sh" pattern 640x480 15
  decodes_from_http /stream/cam 20
  counters seen.nut 640 480 >seen.txt
  run ! grep -q bad seen.txt
}

@test "camera-over-ssh.sh shows another machine's camera" {
  serve_ports
  ssh_port=$(free_port)
  ssh-keygen -q -t ed25519 -N '' -f host_key
  ssh-keygen -q -t ed25519 -N '' -f user_key
  mkdir -p /run/sshd
  cat >sshd_config <<CONF
Port $ssh_port
ListenAddress 127.0.0.1
HostKey $PWD/host_key
AuthorizedKeysFile $PWD/user_key.pub
PidFile $PWD/sshd.pid
StrictModes no
UsePAM no
SetEnv PATH=$PATH
CONF
  start sshd /usr/sbin/sshd -D -e -f "$PWD/sshd_config"
  wait_for_line 10 sshd.err listening
  SSH="ssh -p $ssh_port -i $PWD/user_key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes" \
    start example "$EXAMPLES/camera-over-ssh.sh" 127.0.0.1 pattern
  decodes_from_http /stream/cam 20
}

@test "two-qualities.sh serves both" {
  serve_ports
  start example "$EXAMPLES/two-qualities.sh" pattern
  decodes_from_http /stream/cam/high 30
  numbers_are_consecutive_or_skip 1280 720
  decodes_from_http /stream/cam/low 10
  assert_equal "$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 seen.nut)" "640,360"
}

flows() { [ "$(camring stat --json "$1" | jq '.frames > 20')" = true ]; }

@test "three-qualities-and-vision.sh serves all of them from one camera, and each may be killed" {
  serve_ports
  own_rings
  start example "$EXAMPLES/three-qualities-and-vision.sh" pattern
  decodes_from_http /stream/cam/small 5
  decodes_from_http /stream/marked 10
  numbers_are_consecutive_or_skip 1280 720
  decodes_from_rtsp "rtsp://127.0.0.1:$rtsp_port/cam/high" 30
  assert_equal "$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 rtsp.nut | head -1)" "1280,720"
  decodes_from_rtsp "rtsp://127.0.0.1:$rtsp_port/cam/low" 10
  assert_equal "$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 rtsp.nut | head -1)" "640,360"
  # one camera, four that read it, none of which copies
  assert_equal "$(camring stat --json cam.raw | jq -c '[.writer.command, ([.readers[] | .leases] | all), (.readers | length)]')" '["camgrab",true,4]'
  # the vision program is killed and comes back; the others do not notice
  kill -KILL "$(camring stat --json marked.raw | jq .writer.pid)"
  before=$(camring stat --json marked.raw | jq .frames)
  start vision "$PYTHON" "$EXAMPLES/ring_opencv.py" cam.raw marked.raw
  wait_until 20 bash -c "[ \$(camring stat --json marked.raw | jq .frames) -gt $((before + 10)) ]"
  decodes_from_http /stream/marked 5
  decodes_from_http /stream/cam/small 5
}

# As numbers_are_consecutive, of a stream that leaves out what is late
numbers_are_consecutive_or_skip() {
  counters seen.nut "$1" "$2" >seen.txt
  run -0 awk 'NR > 1 && $1 <= last { bad = 1 } { last = $1 } END { exit bad || NR < 2 }' seen.txt
}

@test "ring_opencv.py frames what moves, with the camera's times" {
  own_rings
  start vision "$PYTHON" "$EXAMPLES/ring_opencv.py" front.raw marked.raw
  start grab camgrab pattern -s 640x480 -r 15 -o shm:front.raw
  wait_until 20 flows marked.raw
  timeout 20 camring tap -n 1 marked.raw >marked.nut
  assert_equal "$(ffprobe -v error -show_entries stream=pix_fmt,width,height -of csv=p=0 marked.nut | head -1)" "640,480,bgr24"
  assert_equal "$(camring stat --json marked.raw | jq -c '[.format.frame_rate, .writer.command]')" '["15","python3"]'
  # boxes of pure red, which the pattern does not have in this amount
  run -0 "$PYTHON" -c '
import os, sys
sys.path.insert(0, os.environ["ROOT"] + "/python")
from campipe_ring import Reader
with Reader("marked.raw", timeout=20) as reader, Reader("front.raw", timeout=20) as camera:
    raw = camera.read(20)
    for frame in reader:
        red = (frame.array() == (0, 0, 255)).all(axis=2).sum()
        if red > 100 + (raw.bgr() == (0, 0, 255)).all(axis=2).sum():
            assert abs(frame.captured_ns - raw.captured_ns) < 60e9
            sys.exit(0)
sys.exit("no boxes")'
}

@test "record-and-watch.sh records while it shows" {
  serve_ports
  start example "$EXAMPLES/record-and-watch.sh" pattern "$PWD/disk"
  wait_until 20 healthy
  decodes_from_rtsp "rtsp://127.0.0.1:$rtsp_port/cam" 60
  stop_background
  file=$(find disk -name '*.mp4' | head -1)
  counters "$file" 1280 720 >seen.txt
  run -0 awk 'NR > 1 && $1 != last + 1 { bad = 1 } { last = $1 } END { exit bad || NR < 60 }' seen.txt
}

# The scripts whose programs read rings, which nothing ends but they themselves
RINGS="two-qualities.sh three-qualities-and-vision.sh record-and-watch.sh rtsp-camera-to-browser-and-disk.sh"

@test "an example whose port is taken says so, ends with the server's code and leaves nothing" {
  serve_ports
  own_rings
  start taken "$PYTHON" -m http.server --bind 127.0.0.1 "$port"
  wait_until 10 bash -c "curl -s -o /dev/null http://127.0.0.1:$port/"
  export HOME=$PWD CAMGRAB_URL=rtsp://127.0.0.1:1/x
  for script in $RINGS usb-camera-to-browser.sh python-in-the-middle.sh; do
    argument=(pattern)
    case $script in rtsp-*) argument=(disk) ;; esac
    run_tool 75 "$EXAMPLES/$script" "${argument[@]}"
    assert_contains "$stderr" "127.0.0.1:$port: Address already in use"
    assert_equal "$(ls "$rings")" "" "rings that $script left"
  done
}

# stopped_by SIGNAL SCRIPT ARG...: it alone gets the signal while its server is up, and all of its group goes
stopped_by() {
  start stopped "$EXAMPLES/$2" "${@:3}"
  wait_until 30 curl -s -o /dev/null "http://127.0.0.1:$port/health" || { cat stopped.err >&2; return 1; }
  kill "-$1" "$stopped_pid"
  ends stopped
  assert_equal "$(ls "$rings")" "" "rings that $2 left"
}

@test "SIGTERM to a script alone ends all of its programs and takes its rings away" {
  serve_ports
  own_rings
  export HOME=$PWD CAMGRAB_URL=rtsp://127.0.0.1:1/x
  for script in $RINGS; do
    argument=(pattern)
    case $script in rtsp-*) argument=(disk) ;; esac
    stopped_by TERM "$script" "${argument[@]}"
  done
  start minute "$EXAMPLES/snapshot-every-minute.sh" pattern now.jpg 600
  wait_until 15 test -s now.jpg
  kill -TERM "$minute_pid"
  ends minute 10
  [ ! -e now.jpg.new ]
}

@test "every example has --help, which begins with what it is" {
  own_rings
  for script in "$EXAMPLES"/*.sh "$EXAMPLES"/*.py; do
    runner=()
    case $script in *.py) runner=("$PYTHON") ;; esac
    run_tool "${runner[@]}" "$script" --help
    assert_contains "$output" "$(basename "$script")"
    assert_equal "$(grep -cE '^(#|set )' <<<"$output")" 0 "lines of code in $script --help"
  done
}

@test "shellcheck has nothing to say about the examples" {
  run_tool shellcheck "$EXAMPLES"/*.sh
}

@test "every example is run by a test" {
  for script in "$EXAMPLES"/*.sh; do
    name=$(basename "$script")
    [ "$name" = quickstart.sh ] || grep -q "^@test \"$name " "$BATS_TEST_FILENAME" || { echo "no test runs $name" >&2; return 1; }
  done
}

@test "cameras.yaml is a configuration that camwatch takes" {
  # what it names is there where it is used
  mkdir etc
  for name in front yard; do echo rtsp://192.0.2.1/x >etc/$name.url; done
  sed "s|/etc/campipe/|$PWD/etc/|; s|/srv/recordings|$PWD/rec|" "$ROOT/examples/cameras.yaml" >cameras.yaml
  run_tool camwatch check -c cameras.yaml
  assert_contains "$output" "chains: 3, stages: 7"
}
