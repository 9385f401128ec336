# camrec: which folders it takes, and who else may be in them.
load helper
load camrec_helper

setup_file() {
  make_input "$BATS_FILE_TMPDIR/in.nut" 2
}

@test "camrec makes a folder whose parent is there, and marks it" {
  run_tool camrec -i "$BATS_FILE_TMPDIR/in.nut" new
  assert_contains "$(cat new/.camrec-root)" "camrec-root 1 "
  run_tool 73 camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" no/such/folder
  assert_contains "$stderr" "is the disk mounted?"
  [ ! -e no ]
}

@test "camrec refuses a folder that is not empty and not marked, and takes it when told" {
  mkdir full
  echo mine >full/photo.jpg
  run_tool 73 camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" full
  assert_contains "$stderr" "touch full/.camrec-root"
  assert_equal "$(ls full)" photo.jpg
  touch full/.camrec-root
  run_tool camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" full
  assert_equal "$(cat full/photo.jpg)" mine
}

@test "camrec exits 78 for a marker of a later version" {
  mkdir rec
  echo "camrec-root 9 x" >rec/.camrec-root
  run_tool 78 camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" rec
}

@test "camrec exits 73 for a file and a read-only file system, 77 without permission" {
  echo text >file
  run_tool 73 camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" file
  assert_contains "$stderr" "file: "
  if [ "$(id -u)" = 0 ]; then
    run_tool 73 unshare -m sh -c 'mkdir ro && mount -t tmpfs -o ro none ro && exec camrec --quiet -i "$1" ro' sh "$BATS_FILE_TMPDIR/in.nut"
    assert_contains "$stderr" "Read-only"
    chmod 755 . "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR"
    mkdir -m 700 locked
    camrec=$(command -v camrec)
    cp "$camrec" ./camrec-copy
    run_tool 77 setpriv --reuid 65534 --clear-groups ./camrec-copy --quiet locked/rec <"$BATS_FILE_TMPDIR/in.nut"
    assert_contains "$stderr" "Permission denied"
  fi
}

@test "camrec exits 75 while another one records the same camera, and not for another camera" {
  mkfifo pipe
  start first camrec -i pipe --name front rec
  exec 7>pipe
  wait_for_line 10 first.err "recording to rec/front"
  run_tool 75 camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" --name front rec
  assert_contains "$stderr" "another camrec"
  run_tool camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" --name yard rec
  kill_hard first
  exec 7>&-
  ends first
  run_tool camrec --quiet -i "$BATS_FILE_TMPDIR/in.nut" --name front rec
}

@test "camrec exits 64 for names and limits that are none" {
  run_tool 64 camrec --name a/b rec
  run_tool 64 camrec --segment 10ms rec
  run_tool 64 camrec --min-free 101% rec
  [ ! -e rec ]
}
