# Rings between containers: writers and readers in pid, user and mount namespaces of their own that share /dev/shm, and
# nothing else. Liveness is a matter of locks that the kernel holds, so no process number may count.
load ../cli/helper
load ../cli/shm_helper

prepare() {
  R=t$$x$BATS_TEST_NUMBER
  export CAMPIPE_RING_LIBRARY=$CAMPIPE_BIN/../lib/libcampipe-ring.so.0
  find_namespaces
}

# Sets `apart` to how a command is run apart, and says it. With user namespaces each has a user number of its own in there;
# without (a kernel or policy that forbids them) root makes the others, and all are root.
find_namespaces() {
  if unshare --user --map-user=4711 --map-group=4711 --pid --fork --mount --mount-proc true 2>unshare.err; then
    apart=in_user_namespace
    echo "# namespaces of pid, mount and user" >&3
  elif [ "$(id -u)" = 0 ]; then
    apart=as_root
    echo "# namespaces of pid and mount, no user namespaces here: $(cat unshare.err)" >&3
  else
    echo "cannot make namespaces, and this test is nothing without: $(cat unshare.err)" >&2
    return 1
  fi
}

# start_apart NAME USER COMMAND...: in the background, in namespaces of its own, in which it is the user number USER (where
# there are user namespaces). A shell is process 1 there: the kernel keeps signals without a handler from process 1.
start_apart() {
  local name=$1 user=$2
  shift 2
  local inside=(sh -c 'readlink /proc/self/ns/pid /proc/self/ns/mnt /proc/self/ns/user >"$0"; "$@"; exit $?' "$name.ns" "$@")
  case $apart in
    in_user_namespace)
      start "$name" unshare --user --map-user="$user" --map-group="$user" \
        --pid --fork --kill-child --mount --mount-proc "${inside[@]}"
      ;;
    as_root) start "$name" unshare --pid --fork --kill-child --mount --mount-proc "${inside[@]}" ;;
  esac
}

# That they really are apart, from each other and from here
all_apart() {
  local kinds=2
  if [ "$apart" = in_user_namespace ]; then kinds=3; fi
  for name in "$@"; do wait_until 10 test -s "$name.ns"; done
  readlink /proc/self/ns/pid /proc/self/ns/mnt /proc/self/ns/user >here.ns
  assert_equal "$(cat here.ns "${@/%/.ns}" | grep -E "^(pid|mnt$([ $kinds = 2 ] || echo '|user'))" | sort -u | wc -l)" \
    $((kinds * ($# + 1))) "namespaces"
}

frames() { camring stat --json "$1" | jq .frames; }
rests() { [ "$(grep -c "nobody wants frames" "$1.err")" -gt "$(grep -c "wanted again" "$1.err")" ]; }

@test "a writer that is killed in one container is followed by one in another, and readers in others go on" {
  start_apart grab 1000 camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  start_apart enc 2000 camenc -i "shm:$R.raw" -c mjpeg -o out.nut
  grows out.nut
  all_apart grab enc
  run_tool 75 camgrab pattern -n 1 -o "shm:$R.raw"
  for round in 1 2; do
    kill_hard grab
    gone() { [ "$(line_count enc.err "its writer is gone: waiting for the next")" = "$round" ]; }
    back() { [ "$(line_count enc.err "its writer is back")" = "$round" ]; }
    wait_until 10 gone
    before=$(stat -c %s out.nut)
    rm grab.ns
    start_apart grab $((3000 + round)) camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
    wait_until 10 back
    wait_until 20 bigger_than out.nut $((before + 100000))
    all_apart grab enc
  done
  times out.nut >got
  cmp got <(sort -nu got)
}

@test "demand and keyframe wishes go from a container to another, and a killed reader's end with it" {
  start_apart grab 1000 camgrab pattern -s 64x48 -r 30 -o "shm:$R.raw" --on-demand --linger 300ms
  start_apart enc 2000 camenc -i "shm:$R.raw" -c h264 -g 100000 -o "shm:$R.h264" --on-demand --linger 300ms
  wait_until 20 rests enc
  wait_until 20 rests grab
  cat >wish.py <<'P'
import sys
sys.path.insert(0, sys.argv[1])
from campipe_ring import Reader
with Reader(sys.argv[2], newest=False) as reader:
    while not reader.read().keyframe:
        pass
    quiet = 0  # frames since the last of the keyframes that joining asked for
    while quiet < 20:
        quiet = 0 if reader.read().keyframe else quiet + 1
    reader.request_keyframe()
    frames = 1
    while not reader.read().keyframe:
        frames += 1
    print(frames, flush=True)
    while True:
        reader.read()
P
  start_apart wish 3000 "$PYTHON" wish.py "$ROOT/python" "$R.h264"
  wait_until 30 test -s wish.out || { cat wish.err >&2; false; }
  all_apart grab enc wish
  # 100000 frames would have been nearly an hour
  assert_between "$(cat wish.out)" 1 300 "frames until the keyframe"
  run ! rests grab
  kill_hard wish
  wait_until 20 rests enc
  wait_until 20 rests grab
}
