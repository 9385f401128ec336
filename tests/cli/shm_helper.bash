# For the tests of rings: `load shm_helper` after `load helper`. Ring names begin with $R, which no other test has.

prepare() {
  R=t$$x$BATS_TEST_NUMBER
}

clean_up() {
  rm -f /dev/shm/campipe."$R"*
}

# rings: what there is of this test's in /dev/shm, sorted
rings() { find /dev/shm -maxdepth 1 -name "campipe.$R*" -printf '%f\n' | sort; }
no_rings() { [ -z "$(rings)" ]; }
ring_there() { [ -e "/dev/shm/campipe.$R$1" ]; }

# packets FILE: pts in microseconds of each video packet with a digest of its bytes
packets() {
  ffmpeg -v error -i "$1" -map 0:v:0 -c copy -copyts -f framemd5 - | grep -v '^#' | awk -F', *' '{ print $3, $6 }'
}

# times FILE: the pts of each video packet in microseconds
times() {
  ffprobe -v error -select_streams v:0 -show_entries packet=pts -of csv=p=0 "$1" | tr -d ','
}

# numbered FILE WIDTH HEIGHT: the pts of each picture with the pattern's number in it
numbered() { paste -d' ' <(times "$1") <(counters "$1" "$2" "$3"); }

# line_count FILE TEXT
line_count() { grep -cF -- "$2" "$1" || true; }
