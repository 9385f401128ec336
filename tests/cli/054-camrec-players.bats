# camrec: what players make of its files.
load helper
load camrec_helper

setup_file() {
  make_input "$BATS_FILE_TMPDIR/in.nut" 12
  camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" "$BATS_FILE_TMPDIR/rec"
  find "$BATS_FILE_TMPDIR/rec/cam" -name '*.mp4' -exec cp {} "$BATS_FILE_TMPDIR/short.mp4" \;
  # Long enough for a moov that does not fit in front.
  ffmpeg -v error -f lavfi -i testsrc=s=64x48:r=60 -t 240 -c:v libx264 -preset ultrafast -g 60 -bf 0 -f nut -y "$BATS_FILE_TMPDIR/long.nut"
  camrec --quiet -i "$BATS_FILE_TMPDIR/long.nut" "$BATS_FILE_TMPDIR/rec2"
  find "$BATS_FILE_TMPDIR/rec2/cam" -name '*.mp4' -exec cp {} "$BATS_FILE_TMPDIR/long.mp4" \;
}

boxes() { # FILE: its top-level boxes
  $PYTHON - "$1" <<'EOF'
import struct, sys
data, at = open(sys.argv[1], "rb").read(), 0
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    print(kind.decode(), end=" ")
    at += struct.unpack(">Q", data[at + 8:at + 16])[0] if size == 1 else size
EOF
}

@test "camrec closes a short file with its header in front and a long one with it behind" {
  assert_equal "$(boxes "$BATS_FILE_TMPDIR/short.mp4")" "ftyp moov free mdat "
  assert_equal "$(boxes "$BATS_FILE_TMPDIR/long.mp4")" "ftyp free mdat moov "
}

@test "ffmpeg seeks camrec's MP4 to the exact frame" {
  for case in short:1.0 short:5.5 short:11.9 long:0.25 long:123.45 long:239.9; do
    name=${case%%:*} at=${case#*:}
    sought=$(ffmpeg -v error -ss "$at" -i "$BATS_FILE_TMPDIR/$name.mp4" -frames:v 1 -f framemd5 - | tail -1 | awk '{print $NF}')
    exact=$(ffmpeg -v error -i "$BATS_FILE_TMPDIR/${name/short/in}.nut" -vf "select='gte(t,$at-0.0001)'" -frames:v 1 -f framemd5 - | tail -1 | awk '{print $NF}')
    assert_equal "$sought" "$exact" "$name at $at s"
  done
}

@test "ffprobe reads the length of both without a complaint" {
  assert_between "$(probe "$BATS_FILE_TMPDIR/short.mp4" format=duration)" 11.9999 12.0001
  assert_between "$(probe "$BATS_FILE_TMPDIR/long.mp4" format=duration)" 239.9999 240.0001
  assert_equal "$(probe "$BATS_FILE_TMPDIR/long.mp4" stream=nb_frames)" 14400
  assert_equal "$(ffprobe -v warning "$BATS_FILE_TMPDIR/long.mp4" 2>&1)" ""
}

@test "GStreamer plays camrec's MP4 with each frame" {
  for name in short:360 long:14400; do
    file=$BATS_FILE_TMPDIR/${name%%:*}.mp4
    count=$(timeout 60 gst-launch-1.0 filesrc location="$file" ! qtdemux ! identity silent=false ! fakesink -v | grep -c 'identity.*chain ')
    assert_equal "$count" "${name#*:}" "$name"
  done
}

@test "mpv plays camrec's MP4 to its end" {
  run_tool mpv --no-config --vo=null --ao=null --untimed --no-audio --msg-level=all=warn "$BATS_FILE_TMPDIR/short.mp4"
  assert_equal "$output" ""
}

@test "headless Chromium plays and seeks camrec's MP4" {
  run_tool $PYTHON "$ROOT/tests/support/chromium_plays.py" "$BATS_FILE_TMPDIR/short.mp4" 7.5
  assert_contains "$output" " 320 240"
  assert_between "${output%% *}" 11.99 12.01 duration
  run_tool $PYTHON "$ROOT/tests/support/chromium_plays.py" "$BATS_FILE_TMPDIR/long.mp4" 200
  assert_between "${output%% *}" 239.99 240.01 duration
}

@test "files of one recording join without a seam" {
  run_tool camrec --quiet --segment 3s -i "$BATS_FILE_TMPDIR/in.nut" rec
  published rec | sed "s/.*/file '&'/" >list
  ffmpeg -v error -f concat -safe 0 -i list -c copy joined.mp4
  assert_equal "$(hashes joined.mp4 | md5sum)" "$(hashes "$BATS_FILE_TMPDIR/in.nut" | md5sum)"
  assert_equal "$(probe joined.mp4 packet=pts_time | tr -d , | sort -n | awk 'NR > 1 && ($1 - p < 0.0329 || $1 - p > 0.0338) { print $1 } { p = $1 }')" ""
}
