# Mistakes that people make: the message names the remedy, or the word that was probably meant. Each is one line on stderr.
load helper

prepare() {
  export CAMPIPE_RING_DIR=$PWD/rings
  mkdir rings
}

# says CODE "WORDS" COMMAND [ARG...]: it exits with CODE, and its only line on stderr has WORDS
says() {
  local code=$1 words=$2
  shift 2
  run_tool "$code" "$@" </dev/null
  assert_contains "$stderr" "$words"
  assert_equal "$(wc -l <<<"$stderr")" 1 "lines of $*: $stderr"
}

@test "a misspelt option is named with the one that was meant" {
  says 64 "no such option --siez: did you mean --size?" camgrab --siez 640x480
  says 64 "no such option --ratee: did you mean --rate?" camenc --ratee=10
  says 64 "no such option --htpp: did you mean --http?" camserve --htpp :8080
  says 64 "no such option --segmant: did you mean --segment?" camrec --segmant 1m rec
  says 64 "no such option --segmant: did you mean --segment?" camrec --segmant # which is worse than no DIR
  says 64 "no such option --jsno: did you mean --json?" camring list --jsno
  says 64 "no such option --chek: see camgrab --help" camgrab --chek # of --check, which is camwatch's, not people's
  says 64 "no such option --banana: see camenc --help" camenc --banana
  says 64 "--json belongs behind the command: camring list --json" camring --json list
}

@test "a misspelt command is named with the one that was meant, others with those there are" {
  says 64 "no command 'chekc': did you mean check?" camwatch chekc
  says 64 "no command 'statt': did you mean stat?" camring statt
  says 64 "no command 'banana': there are list, stat, rm and tap: see camring --help" camring banana
  says 64 "no command 'help': see camwatch --help" camwatch help
}

@test "without a command the commands are shown" {
  for tool in camwatch camring; do
    run_tool 64 "$tool"
    assert_equal "$output" ""
    while read -r command _; do
      assert_contains "$stderr" "$tool $command "
    done < <("$tool" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]\)/\1/p')
    assert_contains "$(tail -n 1 <<<"$stderr")" "$tool: no command is given: see $tool --help"
    assert_between "$(wc -L <<<"$stderr")" 40 80 "columns of $tool"
  done
}

@test "options of other programs and other tools lead to the right one" {
  for tool in camgrab camenc camserve camrec camring camwatch; do
    says 64 "--version prints the version" "$tool" -V
    says 64 "--verbose prints more" "$tool" -v
  done
  says 64 "put camenc -c behind it" camgrab pattern -c h264
  says 64 "camgrab SOURCE" camgrab -i /dev/video0
  says 64 "use --http :PORT" camserve --port 8081
  says 64 "camrec DIR" camrec -o rec
  says 66 "see camgrab --help" camgrab help
  says 64 "put camenc --output-format jpeg behind it" camgrab pattern -n 1 --output-format jpeg -o now.jpg
  says 64 "tells what comes" camgrab --list-formats rtsp://127.0.0.1:1/x
}

@test "a quantity in two words would be a folder called days: it is refused" {
  says 64 "--keep: write '7 days' as one word, 7d" camrec --keep 7 days rec
  says 64 "--keep: write '7 days' as one word, 7d" camrec --keep 7 days
  says 64 "--keep: write '12 hours' as one word, 12h" camrec --keep=12 hours rec
  says 64 "--max-size: write '20 GB' as one word, 20GB" camrec --max-size 20 GB rec
  says 64 "--min-free: write '5 %' as one word, 5%" camrec --min-free 5 % rec
  says 64 "--duration: write '10 s' as one word, 10s" camgrab pattern --duration 10 s
  says 64 "-b: write '800 k' as one word, 800k" camenc -c h264 -b 800 k
  [ ! -e rec ] && [ ! -e days ]
  # a folder of such a name, and a number of no unit
  camgrab pattern --size 64x48 -n 2 --quiet | camenc --quiet >in.nut
  run_tool camrec --quiet -i in.nut --keep 7 ./days
  [ -d days ]
  says 64 "one argument too many: 's'" camgrab -n 3 pattern s
}

@test "what is missing or too many is named" {
  says 64 "DIR is missing: where to record: see camrec --help" camrec
  says 64 "RING is missing" camring stat
  says 64 "one argument too many: 'b': DIR is 'a' already" camrec a b
  says 64 "one argument too many: 'rtmp://u:***@a/sub'" camgrab rtmp://u:secret@a/main rtmp://u:secret@a/sub
  [[ $stderr != *secret* ]]
  says 64 "camring list takes no such argument" camring list foo
}

@test "a word that is none is answered with those there are" {
  says 64 "no such codec: h265: there are mjpeg, h264, raw and copy" camenc -c h265
  says 64 "did you mean yuv420p?" camenc -c raw --pixel-format yuv402p
  says 64 "bgr0 and rgb565le" camenc -c raw --pixel-format rgb32
  says 64 "did you mean mjpeg?" camgrab -f mpjeg
  says 64 "there are nut, mjpeg, jpeg, h264, h265, y4m and rawvideo" camgrab pattern --output-format avi
  says 64 "there are nut, jpeg, mjpeg, h264, h265, y4m and rawvideo" camenc --output-format avi
  says 64 "write it like 4M or 800k" camenc -c h264 --bitrate 4mbit
  says 64 "12h or 7d; 0 keeps everything" camrec --keep forever rec
  says 64 "a whole number from 1: see" camenc -n 0
  says 64 "a whole number from 1 to 100" camenc -q 0
}

@test "a source that is not there" {
  says 66 "patern: no such file or device: did you mean pattern?" camgrab patern
  says 66 "banana: no such file or device: see camgrab --list" camgrab banana
  CAMGRAB_URL=hush says 66 "\$CAMGRAB_URL is no URL, device or file" camgrab
  [[ $stderr != *hush* ]]
  echo hush >url
  says 66 "url: its first line is no URL, device or file" camgrab --url-file url
  [[ $stderr != *hush* ]]
  says 66 "the folder /no-such-folder is missing" camgrab --url-file /no-such-folder/below/url
  says 69 "are address and port right? --wait tries again" camgrab rtsp://127.0.0.1:1/x
  printf 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5006 RTP/AVP 96\na=rtpmap:96 H264/90000\n' >x.sdp
  says 65 "SDP files are not read yet" camgrab x.sdp
  CAMGRAB_URL=pattern run_tool camgrab --size 64x48 -n 1 --quiet -o one.nut
}

@test "an endpoint that is not there" {
  says 66 "mkfifo nothing" camserve --http 127.0.0.1:0 --rtsp none cam=nothing
  says 66 "mkfifo no.nut" camenc -i no.nut
  says 66 "the folder no is missing" camenc -i no/such/fifo
  says 66 "camgrab --list" camenc -i /dev/video777
  says 73 "the folder no is missing" camgrab pattern -n 1 -o no/such/x
  says 73 "the folder /no-such-folder is missing" camenc -i "$ROOT/README.md" -o /no-such-folder/x.nut
  says 73 "v4l2loopback" camgrab pattern -n 1 -o /dev/video777
}

@test "a ring with a name close by" {
  start grab camgrab pattern --size 64x48 --rate 5 --quiet -o shm:quickstart-8080.camera
  wait_until 10 test -e rings/campipe.quickstart-8080.camera
  says 66 "there is a ring of that name: shm:quickstart-8080.camera" camenc -i quickstart-8080.camera
  says 66 "did you mean shm:quickstart-8080.camera?" camenc -i quickstart-8080.camra
  says 66 "did you mean quickstart-8080.camera?" camring stat quikstart-8080.camera
  says 66 "did you mean quickstart-8080.camera?" camring rm quikstart-8080.camera
  start enc camenc -i shm:quickstart-8080.camra -o out.nut
  wait_for_line 10 enc.err "waiting for shm:quickstart-8080.camra: nobody has made it yet: did you mean shm:quickstart-8080.camera?"
  stop enc
  stop grab
}

@test "hostile words are one line, cut, and without control characters" {
  says 64 "no such option" camgrab "--$(printf 'a%.0s' {1..100000})"
  assert_between "${#stderr}" 50 400 "length"
  says 64 "no command" camring $'x\n\e[2Jy'
  [[ $stderr != *$'\e'* ]]
  says 64 "no such option" camenc $'--\xff\xfe'
}
