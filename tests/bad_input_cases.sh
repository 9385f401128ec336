# The table of tests/bad_input.sh: bad TOOL CODE "WORDS ON STDERR" 'COMMAND'

bad camgrab 66 "no such" 'camgrab --quiet /dev/video99'
bad camgrab 66 "no such file" 'camgrab --quiet nothing-here.mp4'
bad camgrab 66 "directory" 'camgrab --quiet folder'
bad camgrab 66 "404" "camgrab --quiet http://127.0.0.1:$port/missing"
bad camgrab 77 "401" "camgrab --quiet http://127.0.0.1:$port/secret"
bad camgrab 77 "403" "camgrab --quiet http://user:hush@127.0.0.1:$port/forbidden"
bad camgrab 69 "refused" 'camgrab --quiet rtsp://127.0.0.1:1/stream'
bad camgrab 69 "scheme" 'camgrab --quiet gopher://127.0.0.1/stream'
bad camgrab 65 "text.txt" 'camgrab --quiet text.txt'
bad camgrab 65 "random.bin" 'camgrab --quiet random.bin'
bad camgrab 65 "no video" 'camgrab --quiet sound.wav'
bad camgrab 65 "127.0.0.1:$port/random" "camgrab --quiet http://127.0.0.1:$port/random"
bad camgrab 66 "no-url-file" 'camgrab --quiet --url-file no-url-file'
bad camgrab 64 "banana" 'camgrab pattern -s banana'
bad camgrab 73 "no/such/x" 'camgrab --quiet pattern -n 5 -o no/such/x'
bad camgrab 73 "/dev/full" 'camgrab --quiet pattern -n 50 -o /dev/full'
bad camgrab 77 "belongs to user nobody" 'camgrab --quiet pattern -o shm:theirs'
bad camgrab 77 "locked" "$as_nobody $(command -v camgrab) --quiet $work/locked/file"
bad camgrab 75 "busy" "SHIM_BUSY=1 LD_PRELOAD=$shim camgrab --quiet /dev/video99"
bad camgrab 69 "12000x9000" "LD_PRELOAD=$shim camgrab --quiet /dev/video99 -s 12000x9000"
bad camgrab 73 "stdout" 'camgrab --quiet pattern -n 50 >&-'

bad camenc 65 "stdin" 'camenc --quiet <random.bin'
bad camenc 65 "stdin" 'camenc --quiet <text.txt'
bad camenc 65 "first frame" 'camenc --quiet <empty'
bad camenc 65 "cut" 'camenc --quiet -i cut.nut -o out.nut'
bad camenc 66 "directory" 'camenc --quiet -i folder'
bad camenc 66 "no such file" 'camenc --quiet -i nothing'
bad camenc 73 "no/such/x" 'camenc --quiet -i whole.nut -o no/such/x'
bad camenc 73 "/dev/full" 'camenc --quiet -i whole.nut -o /dev/full'
bad camenc 64 "500" 'camenc -q 500'
bad camenc 64 "no-such-preset" 'camenc --quiet -i whole.nut -c h264 -p no-such-preset -o out.nut'
bad camenc 65 "stdin" 'camenc --quiet --input-format h264 <text.txt'
bad camenc 64 "rawvideo" 'camenc --quiet --input-format rawvideo:nonsense'
bad camenc 65 "shm:spoilt" 'camenc --quiet -i shm:spoilt'
bad camenc 77 "locked" "$as_nobody $(command -v camenc) --quiet -i $work/locked/file"

bad camserve 75 "in use" "camserve --quiet --http 127.0.0.1:$port --rtsp none <whole.mjpeg.nut"
bad camserve 65 "camenc" 'camserve --quiet --http 127.0.0.1:0 --rtsp none <whole.nut'
bad camserve 65 "stdin" 'camserve --quiet --http 127.0.0.1:0 --rtsp none <random.bin'
bad camserve 65 "first frame" 'camserve --quiet --http 127.0.0.1:0 --rtsp none <empty'
bad camserve 66 "no such file" 'camserve --quiet --http 127.0.0.1:0 --rtsp none cam=nothing'
bad camserve 66 "directory" 'camserve --quiet --http 127.0.0.1:0 --rtsp none cam=folder'
bad camserve 64 "camgrab 'rtsp://127.0.0.1/x' | camserve" 'camserve cam=rtsp://127.0.0.1/x'
bad camserve 65 "shm:spoilt" 'camserve --quiet --http 127.0.0.1:0 --rtsp none cam=shm:spoilt'
bad camserve 64 "nonsense" 'camserve --http nonsense'

bad camrec 65 "stdin" 'camrec --quiet rec <random.bin'
bad camrec 65 "camenc" 'camrec --quiet rec <whole.nut'
bad camrec 65 "no frame" 'camrec --quiet rec <empty'
bad camrec 73 "text.txt" 'camrec --quiet text.txt <whole.h264.nut'
bad camrec 74 "full" 'camrec --quiet --min-free 0% full/rec <whole.h264.nut'
bad camrec 77 "locked" "$as_nobody $(command -v camrec) --quiet $work/locked/rec <whole.h264.nut"
bad camrec 66 "no such file" 'camrec --quiet -i nothing rec'
bad camrec 64 "--segment" 'camrec --segment soon rec'

printf 'version: 1\nchains:\n  a:\n    stages:\n      x: {cmd: [cat], form: y}\n' >unknown-key.yaml
printf 'version: 1\nchains:\n  a:\n    stages:\n      x: {cmd: 7}\n' >wrong-type.yaml
printf 'version: 1\nchains:\n  a:\n    stages:\n      x: {from: y, cmd: [cat]}\n      y: {from: x, cmd: [cat]}\n' >cycle.yaml
printf 'version: 1\nchains:\n  a:\n    stages:\n      x: {from: nowhere, cmd: [cat]}\n' >no-from.yaml
printf 'version: 1\nchains: [\n' >broken.yaml
bad camwatch 78 "unknown-key.yaml:5:" 'camwatch check -c unknown-key.yaml'
bad camwatch 78 "wrong-type.yaml:5:" 'camwatch check -c wrong-type.yaml'
bad camwatch 78 "cycle.yaml:" 'camwatch check -c cycle.yaml'
bad camwatch 78 "nowhere" 'camwatch run -c no-from.yaml'
bad camwatch 78 "broken.yaml:" 'camwatch check -c broken.yaml'
bad camwatch 78 "random.bin" 'camwatch check -c random.bin'
bad camwatch 66 "nothing.yaml" 'camwatch run -c nothing.yaml'
bad camwatch 69 "running" 'camwatch status'
bad camwatch 64 ";" "camwatch run -- 'camgrab pattern ; camenc'"

touch rings/campipe.short && (printf 'CMPRING1\002\000\000\000' && head -c 8180 /dev/zero) >rings/campipe.later
install -m 600 random.bin rings/campipe.mine && chmod 711 rings
bad camring 66 "no such ring" 'camring --quiet stat nothing'
bad camring 66 "no such ring" 'camring --quiet rm nothing'
bad camring 65 "no ring that can be read" 'camring --quiet stat spoilt'
bad camring 65 "has 0 bytes" 'camring --quiet stat shm:short'
bad camring 65 "has version 2" 'camring --quiet stat later'
bad camring 65 "no ring that can be read" 'camring --quiet tap spoilt'
bad camring 77 "mine" "$as_nobody $(command -v camring) --quiet stat mine"
bad camring 74 "stdout" 'camring list --json >/dev/full'
