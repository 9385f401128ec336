# camrec: what is left when it is killed, and what the next start makes of it.
load helper
load camrec_helper

setup_file() {
  make_input "$BATS_FILE_TMPDIR/in.nut" 12
  ffmpeg -v error -f lavfi -i testsrc=s=320x240:r=30 -t 12 -c:v mjpeg -f nut "$BATS_FILE_TMPDIR/mjpeg.nut"
}

# kill_at SECONDS INPUT [OPTION...]: records in real time, kills camrec when so much of the stream has been sent to it, and leaves
# the number of frames that had been sent by then in $sent.
kill_at() {
  local seconds=$1 input=$2
  shift 2
  rm -f pipe sent.nut
  mkfifo pipe
  start feed bash -c "ffmpeg -v error -readrate 1 -i '$input' -c copy -f nut -flush_packets 1 - | tee sent.nut >pipe"
  start rec camrec -i pipe "$@" rec
  wait_for_line 20 rec.err "recording to"
  sent_up_to() { [ "$(stat -c %s sent.nut)" -ge "$1" ]; }
  wait_until 60 sent_up_to "$(bytes_until "$seconds" "$input")"
  kill -KILL -- "-$rec_pid" "-$feed_pid"
  expect_exit rec 137
  expect_exit feed 137
  ends rec
  ends feed
  sent=$(ffprobe -v quiet -count_packets -show_entries stream=nb_read_packets -of csv=p=0 sent.nut | head -1 | tr -d ,)
}

# bytes_until SECONDS FILE: how much of the stream its frames before that are
bytes_until() { ffprobe -v error -show_entries packet=pts_time,size -of csv=p=0 "$2" | awk -F, -v end="$1" '$1 < end { sum += $2 } END { print sum }'; }

empty_run() { camrec "$@" rec </dev/null 2>recover.err || true; }

@test "camrec killed at any moment loses at most 0.5 s, and every published file decodes" {
  # Anywhere in the stream; SEED=N gives the same moments again.
  SEED=${SEED:-$SRANDOM}
  moments=$(awk -v seed="$SEED" 'BEGIN { srand(seed); for (i = 0; i < 5; i++) printf "%.2f ", 1.2 + rand() * 4 }')
  echo "# SEED=$SEED: killed at $moments" >&3
  recovered=0
  for moment in $moments; do
    rm -rf rec
    kill_at "$moment" "$BATS_FILE_TMPDIR/in.nut" --segment 2s
    empty_run
    assert_equal "$(find rec/cam/live -type f)" ""
    # Between two files there is nothing to recover.
    ! grep -qF "(recovered)" recover.err || recovered=$((recovered + 1))
    got=$(frames $(published rec))
    assert_between "$got" $((sent - 15)) "$sent" "frames after a kill at $moment s"
    hashes $(published rec) >got
    hashes "$BATS_FILE_TMPDIR/in.nut" | head -"$got" | cmp - got
    for file in $(published rec); do
      assert_between "$(probe "$file" format=duration)" 0.03 4 "duration of $file"
      [ "$(probe "$file" stream=nb_frames)" != N/A ]
    done
  done
  assert_between "$recovered" 1 5 "kills that left a file to recover"
}

@test "camrec's Matroska survives a kill too" {
  kill_at 3.3 "$BATS_FILE_TMPDIR/mjpeg.nut" --segment 2s
  empty_run
  assert_equal "$(find rec/cam/live -type f)" ""
  assert_between "$(frames $(published rec))" $((sent - 15)) "$sent" frames
  for file in $(published rec); do
    assert_between "$(probe "$file" format=duration)" 0.03 4 "duration of $file"
    [ -n "$(probe "$file" format_tags=CAMPIPE.START_UNIX_US)" ]
  done
}

@test "camrec's transport stream survives a kill too" {
  kill_at 2.6 "$BATS_FILE_TMPDIR/in.nut" --segment 10s --container ts
  empty_run
  file=$(published rec)
  assert_equal $(($(stat -c %s "$file") % 188)) 0
  assert_between "$(ffprobe -v error -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$file" | head -1 | tr -d ,)" \
    $((sent - 15)) "$sent" frames
}

@test "camrec recovers a file that is cut off at any length" {
  run_tool camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" whole
  file=$(published whole)
  size=$(stat -c %s "$file")
  name=$(basename "$file")
  # The published file has its fragments still inside: cut, it is one that was never closed.
  for cut in 10 5000 65540 66200 $((size / 3)) $((size / 2 + 7)) $((size - 5)) "$size"; do
    rm -rf rec
    mkdir -p rec/cam/live
    touch rec/.camrec-root
    head -c "$cut" "$file" >"rec/cam/live/$name.part"
    empty_run
    assert_equal "$(find rec/cam/live -type f)" "" "live/ after a cut at $cut"
    if [ "$cut" -lt 66300 ]; then
      assert_equal "$(published rec)" "" "published after a cut at $cut"
    else
      got=$(frames $(published rec))
      assert_between "$got" $((360 * (cut - 66000) / size - 40)) 360 "frames after a cut at $cut"
    fi
  done
  assert_equal "$got" 360
}

@test "camrec puts what is no recording into quarantine and leaves nothing in live" {
  mkdir -p rec/cam/live
  touch rec/.camrec-root
  head -c 100000 /dev/urandom >rec/cam/live/20261121T014500.040Z-r7f3a-000001.mp4.part
  head -c 100000 /dev/urandom >rec/cam/live/20261121T014501.040Z-r7f3a-000002.mkv.part
  echo text >rec/cam/live/notes.txt
  : >rec/cam/live/20261121T014502.040Z-r7f3a-000003.mp4.part
  empty_run
  assert_equal "$(find rec/cam/live -type f)" ""
  assert_equal "$(ls rec/cam/quarantine | wc -l)" 3
}

@test "camrec cuts a damaged index and makes a missing one anew" {
  run_tool camrec --quiet --segment 4s -i "$BATS_FILE_TMPDIR/in.nut" rec
  index=$(echo rec/cam/index/*.jsonl)
  lines=$(wc -l <"$index")
  printf '{"kind":"seg","name":"half a li' >>"$index"
  empty_run
  assert_contains "$(cat recover.err)" "cut there"
  assert_equal "$(wc -l <"$index")" "$lines"
  rm "$index"
  empty_run
  assert_equal "$(jq -r 'select(.kind == "seg") | [.frames, (.duration_us / 1e6 | round)] | join(" ")' "$index" | sort | uniq -c | tr -s ' ')" " 3 120 4"
}
