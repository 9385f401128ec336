# camrec: what it makes of each kind of stream.
load helper
load camrec_helper

@test "camrec --help and --version answer on stdout" {
  run_tool camrec --help
  assert_contains "$output" "Examples:"
  run_tool camrec --version
  assert_contains "$output" "camrec "
}

@test "camrec cuts H.264 into MP4 files at keyframes, each frame once and unchanged" {
  make_input in.nut 7
  run_tool camrec --segment 3s -i in.nut rec
  assert_equal "$(published rec | wc -l)" 3 files
  for file in $(published rec); do
    assert_equal "$(probe "$file" stream=codec_name,codec_tag_string)" "h264,avc1"
    assert_equal "$(probe "$file" packet=flags | head -1)" "K_"
  done
  assert_equal "$(hashes $(published rec) | md5sum)" "$(hashes in.nut | md5sum)"
  assert_equal "$(find rec/cam/live -type f)" ""
}

@test "camrec tells all limits in one line at the start" {
  make_input in.nut 1
  run_tool camrec --segment 1m --keep 30d --max-size 20GiB --min-free 10% -i in.nut rec
  line=$(grep 'recording to rec/cam' <<<"$stderr")
  for part in "segments of 1m" "older than 30d" "over 20.0 GiB" "less than 10% free"; do assert_contains "$line" "$part"; done
}

@test "camrec's MP4 has the right length, start and frame times" {
  make_input in.nut 4
  run_tool camrec -i in.nut rec
  file=$(published rec)
  assert_between "$(probe "$file" format=duration)" 3.9999 4.0001 duration
  assert_equal "$(probe "$file" format=start_time)" 0.000000
  assert_equal "$(probe "$file" stream=nb_frames,start_pts,time_base)" "1/1000000,0,120"
  # Each frame where it was, to the microsecond.
  wanted=$(seq 0 119 | awk '{ printf "%d\n", int($1 * 1000000 / 30 + 0.0001) }')
  assert_equal "$(probe "$file" packet=pts | tr -d ,)" "$wanted" "frame times"
  # The file's name, its creation time and its tag tell the same moment.
  start_us=$(probe "$file" format_tags=campipe.start_unix_us)
  name=$(basename "$file")
  assert_equal "$(date -u -d "@$((start_us / 1000000))" +%Y%m%dT%H%M%S).$(printf %03d $((start_us / 1000 % 1000)))Z" "${name%%-*}"
  assert_contains "$(probe "$file" format_tags=creation_time)" "$(date -u -d "@$((start_us / 1000000))" +%Y-%m-%dT%H:%M:%S)"
}

@test "camrec keeps the capture times of our own streams exactly" {
  make_input in.nut 3
  camenc --quiet -i in.nut -c copy -o ours.nut
  run_tool camrec --segment 1s -i ours.nut rec
  $PYTHON "$ROOT/tests/support/recorded_times.py" $(published rec) >recorded
  assert_equal "$(wc -l <recorded)" 90
  assert_equal "$(cat recorded)" "$(probe ours.nut packet=pts | tr -d ,)" "capture times"
}

@test "camrec keeps B-frames: times, order and first picture" {
  make_input in.nut 4 -bf 3 -preset fast -x264-params open-gop=0:scenecut=0
  run_tool camrec --segment 2s -i in.nut rec
  assert_equal "$(published rec | wc -l)" 2 files
  assert_equal "$(hashes $(published rec) | md5sum)" "$(hashes in.nut | md5sum)"
  for file in $(published rec); do
    assert_equal "$(probe "$file" format=start_time)" 0.000000
    assert_equal "$(probe "$file" packet=pts | tr -d , | sort -n | awk 'NR > 1 { d = $1 - p; if (d < 33332 || d > 33334) print d } { p = $1 }')" "" "odd distances"
  done
}

@test "camrec records H.265 as hvc1" {
  ffmpeg -v error -f lavfi -i testsrc=s=320x240:r=30 -t 3 -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30:bframes=0 -f nut in.nut
  run_tool camrec --segment 1s -i in.nut rec
  assert_equal "$(probe "$(published rec | head -1)" stream=codec_tag_string)" hvc1
  assert_equal "$(hashes $(published rec) | md5sum)" "$(hashes in.nut | md5sum)"
}

@test "camrec records MJPEG as Matroska with length and index" {
  ffmpeg -v error -f lavfi -i testsrc=s=320x240:r=30 -t 4 -c:v mjpeg -f nut in.nut
  run_tool camrec --segment 2s -i in.nut rec
  assert_equal "$(published rec | sed 's/.*\.//' | tr '\n' ' ')" "mkv mkv "
  assert_equal "$(hashes $(published rec) | md5sum)" "$(hashes in.nut | md5sum)"
  assert_between "$(probe "$(published rec | head -1)" format=duration)" 1.99 2.01
  $PYTHON "$ROOT/tests/support/recorded_times.py" $(published rec) >recorded
  assert_equal "$(awk 'NR > 1 && ($1 - p < 32000 || $1 - p > 35000) { print $1 - p } { p = $1 }' recorded)" "" "odd distances"
}

@test "camrec keeps AAC in MP4: all of it, over the cuts" {
  make_input video.nut 4
  ffmpeg -v error -i video.nut -f lavfi -i sine=r=48000 -t 4 -c:v copy -c:a aac -f nut in.nut
  run_tool camrec --segment 2s -i in.nut rec
  assert_equal "$(published rec | sed 's/.*\.//' | tr '\n' ' ')" "mp4 mp4 "
  total=0
  for file in $(published rec); do
    assert_equal "$(ffmpeg -v error -i "$file" -f null - 2>&1)" "" "$file decodes"
    total=$((total + $(ffprobe -v error -select_streams a -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$file")))
  done
  # The encoder's first packet is before time 0, and what comes before the first picture is left out.
  sent=$(ffprobe -v error -select_streams a -count_packets -show_entries stream=nb_read_packets -of csv=p=0 in.nut)
  assert_between "$total" $((sent - 2)) "$sent" "audio packets"
}

@test "camrec puts H.264 with G.711 into Matroska" {
  make_input video.nut 3
  ffmpeg -v error -i video.nut -f lavfi -i sine=r=8000 -t 3 -c:v copy -c:a pcm_alaw -ac 1 -f nut in.nut
  run_tool camrec --segment 1s -i in.nut rec
  file=$(published rec | head -1)
  assert_equal "${file##*.}" mkv
  assert_contains "$(probe "$file" stream=codec_name)" pcm_alaw
  assert_equal "$(hashes $(published rec) | md5sum)" "$(hashes in.nut | md5sum)"
}

@test "camrec --container ts writes transport streams" {
  make_input in.nut 3
  run_tool camrec --segment 1s --container ts -i in.nut rec
  assert_equal "$(published rec | sed 's/.*\.//' | tr '\n' ' ')" "ts ts ts "
  assert_equal "$(frames $(published rec))" 90
}

@test "camrec takes bare H.264 from a pipe" {
  make_input in.nut 2
  ffmpeg -v error -i in.nut -c copy -bsf:v dump_extra -f h264 - | camrec --quiet rec
  assert_equal "$(frames $(published rec))" 60
}

@test "camrec begins a new file when the size changes" {
  make_input a.nut 2
  ffmpeg -v error -i a.nut -c copy -bsf:v dump_extra -f h264 both.h264
  ffmpeg -v error -f lavfi -i testsrc=s=640x480:r=30 -t 2 -c:v libx264 -preset ultrafast -g 30 -bf 0 -f h264 - >>both.h264
  run_tool camrec -i both.h264 rec
  assert_equal "$(for file in $(published rec); do probe "$file" stream=width,height; done | tr '\n' ' ')" "320,240 640,480 "
  assert_equal "$(frames $(published rec))" 120
  assert_contains "$stderr" "(format)"
}

@test "camrec exits 65 with the way out when it cannot record what comes" {
  ffmpeg -v error -f lavfi -i testsrc=s=64x48:r=5 -t 1 -c:v rawvideo -f nut raw.nut
  run_tool 65 camrec --quiet -i raw.nut rec
  assert_contains "$stderr" "camenc -c h264"
  run_tool 65 camrec --quiet rec </dev/null
  assert_contains "$stderr" "no frame"
  ffmpeg -v error -f lavfi -i testsrc=s=64x48:r=5 -t 1 -c:v mjpeg -f nut mjpeg.nut
  run_tool 65 camrec --quiet --container mp4 -i mjpeg.nut rec
  assert_contains "$stderr" "mkv"
  assert_equal "$(published rec)" ""
}

@test "camrec finishes its file on SIGTERM and exits 0" {
  make_input in.nut 20
  mkfifo pipe
  start feed ffmpeg -v error -readrate 1 -i in.nut -c copy -f nut -flush_packets 1 -y pipe
  start rec camrec -i pipe rec
  wait_until 10 sh -c 'find rec/cam/live -name "*.part" -size +80k | grep -q .'
  stop rec
  expect_exit feed 1 # nobody reads what it writes
  ends feed
  assert_contains "$(cat rec.err)" "(stop)"
  assert_equal "$(find rec/cam/live -type f)" ""
  assert_between "$(frames $(published rec))" 1 599
}

@test "camrec reports the open file in its statistics" {
  make_input in.nut 4
  feed in.nut | camrec --stats 1s rec 2>err
  assert_contains "$(cat err)" "flowing"
  assert_contains "$(grep flowing err | tail -1)" ".mp4"
}
