# Keyframes that the readers of a ring ask for, through the Python module.
load ../cli/helper

prepare() {
  CAMPIPE_RING_DIR=$(mktemp -d /dev/shm/keyframe_XXXXXX)
  export CAMPIPE_RING_DIR CAMPIPE_RING_LIBRARY=$CAMPIPE_BIN/../lib/libcampipe-ring.so.0
}

clean_up() {
  rm -rf "$CAMPIPE_RING_DIR"
}

@test "a keyframe comes when a reader asks for it, every 0.4 s however often it asks" {
  start grab camgrab pattern -s 64x48 -r 30 -o shm:a.raw
  start enc camenc -i shm:a.raw -c h264 -g 100000 -o shm:a.h264
  cat >ask.py <<'P'
import sys
sys.path.insert(0, sys.argv[1])
from campipe_ring import Reader
keys, frames, begin, end = 0, 0, None, None
with Reader("a.h264", newest=False) as reader:
    for frame in reader:
        begin = begin or frame.pts_us
        keys += frame.keyframe
        frames += 1
        end = frame.pts_us
        reader.request_keyframe()
        if frames == 120:
            break
print(keys, (end - begin) / 1e6)
P
  run_tool $PYTHON ask.py "$ROOT/python"
  read -r keys seconds <<<"$output"
  # At least one beside the first; never more than one each 0.4 s of what passed, and the first.
  assert_between "$keys" 2 "$(awk -v s="$seconds" 'BEGIN { print int((s + 0.2) / 0.4) + 2 }')" keyframes
}
