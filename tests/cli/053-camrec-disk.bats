# camrec: full disks, limits and what is deleted.
load helper
load camrec_helper

setup_file() {
  make_input "$BATS_FILE_TMPDIR/in.nut" 12 -b:v 1M -minrate 1M -maxrate 1M -bufsize 500k -x264-params nal-hrd=cbr
}

# on_small_disk SIZE SCRIPT [ARG...]: the script with a file system of that size at ./disk, which nobody else sees
on_small_disk() {
  local size=$1 script=$2
  shift 2
  mkdir -p disk
  unshare -m bash -c "mount -t tmpfs -o size=$size none disk || exit 99; $script" bash "$@"
}

segment_at() { # HOURS-AGO BYTES: a published file of that age
  local when name
  when=$(date -u -d "-$1 hours" +%s)
  name=rec/cam/$(date -u -d "@$when" +%Y-%m-%d/%H/%Y%m%dT%H%M%S).000Z-rabcd-000001.mp4
  mkdir -p "$(dirname "$name")"
  head -c "$2" /dev/zero >"$name"
  touch -d "@$when" "$name"
  echo "$name"
}

new_root() {
  mkdir -p rec
  touch rec/.camrec-root
}

@test "camrec goes on when the disk is full, drops whole groups of pictures, and says so" {
  [ "$(id -u)" = 0 ] || skip "mounting needs root"
  on_small_disk 1m 'feed() { ffmpeg -v error -readrate 3 -i "$1" -c copy -f nut -flush_packets 1 -; }
    feed "$1" | camrec --segment 2s --keep 0 --min-free 0 --max-size 0 disk 2>err; echo "${PIPESTATUS[*]}" >codes
    find disk/cam/20* -name "*.mp4" -exec cp {} . \; ; cp disk/cam/index/* .' "$BATS_FILE_TMPDIR/in.nut"
  read -r feed_code rec_code <codes
  assert_equal "$feed_code" 0 "exit code of the feeder, which was never held up"
  assert_equal "$rec_code" 74 "exit code of camrec, which could not keep all"
  assert_contains "$(cat err)" "No space left on device"
  assert_contains "$(tail -1 err)" "of 360 frames are lost on the way to the disk (first: disk full)"
  # Oldest files made room: the end is there, and all that is there decodes from its first picture on.
  for file in ./*.mp4; do
    assert_equal "$(probe "$file" packet=flags | head -1)" "K_"
    assert_equal "$(ffmpeg -v error -i "$file" -f null - 2>&1)" ""
  done
}

@test "camrec goes on by itself when there is room again" {
  [ "$(id -u)" = 0 ] || skip "mounting needs root"
  on_small_disk 4m 'head -c 3700k /dev/zero >disk/ballast; mkdir disk/rec; touch disk/rec/.camrec-root
    { ffmpeg -v error -readrate 2 -i "$1" -c copy -f nut -flush_packets 1 - | tee sent; } | camrec --segment 10m --keep 0 --min-free 0 disk/rec 2>err & recorder=$!
    within_10_s() { for i in $(seq 200); do "$@" && return; sleep 0.05; done; exit 98; }
    sent_more_than() { [ "$(stat -c %s sent)" -gt "$1" ]; }
    within_10_s grep -qs "No space left" err
    within_10_s sent_more_than $(($(stat -c %s sent) + 200000)) # which waits in memory
    rm disk/ballast; wait $recorder || exit 97; cp disk/rec/cam/20*/*/*.mp4 . ; cp disk/rec/cam/index/* index.jsonl' "$BATS_FILE_TMPDIR/in.nut"
  assert_contains "$(cat err)" "recording again"
  assert_equal "$(grep -c lost err)" 0 "lines about losses"
  assert_equal "$(jq -r 'select(.kind == "gap")' index.jsonl)" "" "gaps in the index"
  total=0
  for file in ./*.mp4; do total=$((total + $(frames "$file"))); done
  assert_equal "$total" 360
}

@test "camrec exits 74 when nothing fits on the disk" {
  [ "$(id -u)" = 0 ] || skip "mounting needs root"
  run on_small_disk 64k 'camrec --quiet --min-free 0 disk <"$1"' "$BATS_FILE_TMPDIR/in.nut"
  assert_equal "$status" 74
  assert_contains "$output" "360 of 360 frames are lost on the way to the disk (first: disk full)"
}

@test "camrec --keep deletes what is older at the start, and the empty folders" {
  new_root
  old=$(segment_at 50 1000)
  young=$(segment_at 20 1000)
  on_synchronised_clock
  run_tool env LD_PRELOAD="$SYNCHRONISED" camrec --keep 1d --min-free 0 -i "$BATS_FILE_TMPDIR/in.nut" rec
  [ ! -e "$old" ]
  [ ! -e "$(dirname "$(dirname "$old")")" ]
  [ -e "$young" ]
  assert_equal "$(frames "$(published rec | tail -1)")" 360
}

@test "camrec deletes nothing by age while the clock is not synchronised, and says so" {
  new_root
  old=$(segment_at 50 1000)
  cat >never.c <<'EOF'
#include <sys/timex.h>
int adjtimex(struct timex *query) { (void)query; return TIME_ERROR; }
EOF
  gcc -shared -fPIC -o never.so never.c
  run_tool env LD_PRELOAD="$PWD/never.so" camrec --keep 1d --min-free 0 -i "$BATS_FILE_TMPDIR/in.nut" rec
  [ -e "$old" ]
  assert_equal "$(grep -c "not synchronised: nothing is deleted by age" <<<"$stderr")" 1 "lines about the clock"
}

@test "camrec --max-size deletes the oldest after each file, never a pinned one" {
  new_root
  pinned=$(segment_at 50 400000)
  oldest=$(segment_at 40 400000)
  older=$(segment_at 30 400000)
  mkdir -p rec/cam/clips/theft
  ln "$pinned" rec/cam/clips/theft/
  run_tool camrec --segment 3s --keep 0 --min-free 0 --max-size 1500k -i "$BATS_FILE_TMPDIR/in.nut" rec
  [ -e "$pinned" ]
  [ ! -e "$oldest" ]
  [ ! -e "$older" ]
  total=$(find rec/cam/20* -type f -printf '%s\n' | awk '{ s += $1 } END { print s }')
  assert_between "$total" 400000 1500000 "bytes that are left"
  assert_contains "$(cat rec/cam/index/*.jsonl)" '"reason":"size"'
}

@test "camrec --min-free makes room on the disk before it is full" {
  [ "$(id -u)" = 0 ] || skip "mounting needs root"
  on_small_disk 3m 'ffmpeg -v error -readrate 6 -i "$1" -c copy -f nut -flush_packets 1 - | camrec --segment 1s --keep 0 --min-free 50% disk 2>err; echo "$?" >code
    df --output=avail -B1 disk | tail -1 >avail; ls disk/cam/20*/* >list' "$BATS_FILE_TMPDIR/in.nut"
  assert_equal "$(cat code)" 0
  assert_between "$(tr -d ' ' <avail)" 1500000 3200000 "bytes free"
  [[ $(cat err) != *"No space left"* ]]
  [[ $(cat err) != *"frames lost"* ]]
}

@test "camrec says so when the limits cannot be met" {
  new_root
  only=$(segment_at 3 400000)
  run_tool camrec --keep 0 --min-free 100T -i "$BATS_FILE_TMPDIR/in.nut" rec
  assert_contains "$stderr" "nothing left to delete"
  assert_equal "$(frames "$(published rec | tail -1)")" 360
}
