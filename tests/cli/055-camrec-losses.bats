# camrec: what could cost frames and does not, and how it tells when something does.
load helper
load camrec_helper

setup_file() {
  make_input "$BATS_FILE_TMPDIR/film.nut" 60
  make_input "$BATS_FILE_TMPDIR/live.nut" 12
}

all_frames() {
  find "$1" -name '*.mp4' -exec ffprobe -v error -count_packets -show_entries stream=nb_read_packets -of csv=p=0 {} \; |
    awk -F, '{ s += $1 } END { print s + 0 }'
}
gaps() { cat "$1"/cam/index/*.jsonl | jq -s '[.[] | select(.kind == "gap")]'; }

@test "camrec loses nothing of a film, however fast it comes and through whatever" {
  mkdir one two three
  run_tool camrec --segment 1s -i "$BATS_FILE_TMPDIR/film.nut" one/rec
  cat "$BATS_FILE_TMPDIR/film.nut" | camrec --quiet --segment 1s two/rec
  mkfifo pipe
  start feed sh -c "exec cat '$BATS_FILE_TMPDIR/film.nut' >pipe"
  run_tool camrec --segment 1s -i pipe three/rec
  ends feed
  for dir in one two three; do assert_equal "$(all_frames $dir/rec)" 1800 "frames of $dir"; done
}

@test "camrec makes folders that were deleted anew, goes on and counts what went with them" {
  for what in cam cam/live cam/index cam/20*; do
    rm -rf rec err
    start_sh rec "ffmpeg -v error -readrate 2 -i '$BATS_FILE_TMPDIR/live.nut' -c copy -f nut -flush_packets 1 - |
      camrec --segment 4s rec 2>err"
    expect_exit rec 0 74
    wait_until 20 grep -qs "wrote" err
    wait_until 20 sh -c 'find rec/cam/live -name "*.part" -size +90k | grep -q .' # more than the group that is in memory
    rm -rf rec/$what
    ends rec
    deleted=$(gaps rec | jq '[.[].frames] | add // 0')
    case $what in
      cam/live | cam) # the open file was in it
        grep -q "recording goes on in the folder that is there now" err
        assert_contains "$(tail -1 err)" "frames are lost on the way to the disk (first: deleted)"
        [ "$deleted" -gt 0 ]
        ;;
      *) assert_equal "$deleted" 0 "frames in gaps after $what" ;;
    esac
    assert_between "$(all_frames rec)" 150 360 "frames after $what"
    [ -d rec/cam/live ] && [ -d rec/cam/quarantine ] && ls rec/cam/index/*.jsonl
  done
}

@test "camrec begins another file at the largest size of one, without a loss" {
  run_tool bash -c 'trap "" XFSZ; ulimit -f 250; exec camrec -i "$1" ignored' bash "$BATS_FILE_TMPDIR/film.nut"
  assert_equal "$(grep -c "File too large" <<<"$stderr")" 1 "lines about it"
  run_tool bash -c 'ulimit -f 250; exec camrec -i "$1" default' bash "$BATS_FILE_TMPDIR/film.nut"
  for dir in ignored default; do
    assert_equal "$(all_frames $dir)" 1800 "frames in $dir"
    assert_equal "$(gaps $dir)" "[]"
    [ "$(published $dir | wc -l)" -gt 3 ]
    for file in $(published $dir); do assert_equal "$(probe "$file" packet=flags | head -1)" "K_"; done
  done
}

@test "camrec counts what is lost to the end and exits 74" {
  mkdir -p rec
  touch rec/.camrec-root
  # A largest file in which no group of pictures has room.
  run_tool 74 bash -c 'ulimit -f 70; exec camrec -i "$1" rec' bash "$BATS_FILE_TMPDIR/live.nut"
  last=$(tail -1 <<<"$stderr")
  [[ $last =~ ([0-9]+)\ of\ 360\ frames\ are\ lost.*file\ too\ large ]]
  assert_equal $((BASH_REMATCH[1] + $(all_frames rec))) 360 "frames lost and kept"
  assert_equal "$(gaps rec | jq '[.[].frames] | add')" "${BASH_REMATCH[1]}" "frames in the index's gaps"
}

@test "camrec exits 65 with the count when no frame could be recorded" {
  ffmpeg -v error -i "$BATS_FILE_TMPDIR/live.nut" -c copy -bsf:v "noise=drop=key" -f nut nokey.nut
  run_tool 65 camrec --quiet -i nokey.nut rec
  assert_contains "$stderr" "348 frames came before the input ended, all of them damaged or without a keyframe"
}

@test "camrec stopped before the first frame exits 0" {
  mkfifo pipe
  start rec camrec -i pipe rec
  exec 7>pipe
  wait_for_line 10 rec.err "recording to"
  stop rec
  exec 7>&-
}

@test "camrec keeps what a stream with a wrong clock brings" {
  on_synchronised_clock
  boot=$(cat /proc/sys/kernel/random/boot_id)
  monotonic=$($PYTHON -c 'import time; print(time.monotonic_ns())')
  for days in -9 -20000 4000; do
    rm -rf rec
    anchor=$((($(date +%s) + days * 86400) * 1000000))
    [ "$anchor" -gt 0 ] || anchor=1000000
    CAMPIPE_CLOCK="$anchor:$monotonic:$boot" camgrab "$BATS_FILE_TMPDIR/live.nut" --quiet |
      env LD_PRELOAD="$SYNCHRONISED" camrec --quiet --segment 1s --keep 7d rec
    day=$(date -u -d "$(ls rec/cam | grep -m1 '^....-')" +%s)
    assert_between $((day / 86400 - $(date +%s) / 86400)) $((days - 1)) $((days + 1)) "days that the name is off"
    assert_equal "$(all_frames rec)" 360 "frames of a stream $days days off"
  done
}

@test "camrec says once that files cannot be cut for want of keyframes" {
  ffmpeg -v error -f lavfi -i testsrc=s=320x240:r=30 -t 12 -c:v libx264 -preset ultrafast -bf 0 -g 9999 -f nut in.nut
  run_tool camrec --segment 2s -i in.nut rec
  assert_equal "$(grep -c "no keyframe for .*: files cannot be cut" <<<"$stderr")" 1
  run_tool camrec --segment 2s -i "$BATS_FILE_TMPDIR/live.nut" rec
  assert_equal "$(grep -c "no keyframe" <<<"$stderr")" 0
}

@test "camrec follows the link that a camera's folder is, and refuses one to nothing or of a stranger" {
  run_tool camrec --quiet -i "$BATS_FILE_TMPDIR/live.nut" rec
  mkdir disk2
  mv rec/cam disk2
  ln -s "$PWD/disk2/cam" rec/cam
  run_tool camrec --quiet -i "$BATS_FILE_TMPDIR/live.nut" rec
  assert_equal "$(all_frames disk2)" 720
  mv disk2 away
  run_tool 73 camrec --quiet -i "$BATS_FILE_TMPDIR/live.nut" rec
  assert_contains "$stderr" "a symbolic link that leads to no folder"
  mv away disk2
  if [ "$(id -u)" = 0 ]; then
    chown -h 12345 rec/cam
    run_tool 73 camrec --quiet -i "$BATS_FILE_TMPDIR/live.nut" rec
    assert_contains "$stderr" "bind mount"
  fi
}
