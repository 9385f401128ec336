# python/campipe_ring.py: numpy arrays over the ring's memory.
load ../cli/helper

prepare() {
  export CAMPIPE_RING_LIBRARY=$CAMPIPE_BIN/../lib/libcampipe-ring.so.0
  CAMPIPE_RING_DIR=$(mktemp -d /dev/shm/ring_python_XXXXXX)
  export CAMPIPE_RING_DIR
}

clean_up() {
  rm -rf "$CAMPIPE_RING_DIR"
}

holds() {
  run_tool "$PYTHON" "$ROOT/tests/interop/ring_python.py" "$1"
}

@test "campipe_ring.py: array lies in the ring" { holds array_lies_in_the_ring; }
@test "campipe_ring.py: array is read only" { holds array_is_read_only; }
@test "campipe_ring.py: leased array never changes" { holds leased_array_never_changes; }
@test "campipe_ring.py: lease ends with the last view" { holds lease_ends_with_the_last_view; }
@test "campipe_ring.py: iterating holds no frame while it waits" { holds iterating_holds_no_frame_while_it_waits; }
@test "campipe_ring.py: fork keeps no lease" { holds fork_keeps_no_lease; }
@test "campipe_ring.py: child opens the ring anew" { holds child_opens_the_ring_anew; }
@test "campipe_ring.py: killed reader leaves no lease" { holds killed_reader_leaves_no_lease; }
@test "campipe_ring.py: bgr of every format" { holds bgr_of_every_format; }
@test "campipe_ring.py: bgr of jpeg" { holds bgr_of_jpeg; }
@test "campipe_ring.py: copies can be drawn upon" { holds copies_can_be_drawn_upon; }
@test "campipe_ring.py: times and numbers go along" { holds times_and_numbers_go_along; }
@test "campipe_ring.py: failed drawing is not shown" { holds failed_drawing_is_not_shown; }
@test "campipe_ring.py: publish by copy" { holds publish_by_copy; }
@test "campipe_ring.py: errors are exceptions" { holds errors_are_exceptions; }
@test "campipe_ring.py: reader waits and ends" { holds reader_waits_and_ends; }
@test "campipe_ring.py: wanted" { holds wanted; }

@test "campipe_ring.py: every test in ring_python.py is run here" {
  for name in $("$PYTHON" "$ROOT/tests/interop/ring_python.py" list); do
    grep -q "holds $name;" "$BATS_TEST_FILENAME" || { echo "$name is not run" >&2; return 1; }
  done
}
