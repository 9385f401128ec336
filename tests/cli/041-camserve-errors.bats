# camserve: what it refuses, with which exit code and which one line.
load helper

# refuses CODE TEXT ARG...: exit code, one line on stderr with TEXT in it
refuses() {
  local code=$1 text=$2
  shift 2
  run_tool "$code" camserve --http 127.0.0.1:0 --rtsp none "$@" </dev/null
  assert_contains "$stderr" "$text"
}
# refuses_input CODE TEXT FILE: the same with FILE as stdin
refuses_input() {
  run --separate-stderr timeout 20 camserve --http 127.0.0.1:0 --rtsp none --quiet <"$3"
  assert_equal "$status" "$1" "exit code ($stderr)"
  assert_contains "$stderr" "$2"
  assert_equal "$(wc -l <<<"$stderr")" 1 "lines on stderr"
}

@test "camserve exits 66 for an input that is not there" {
  refuses 66 "nowhere" cam=nowhere
}

@test "camserve exits 66 for a directory" {
  refuses 66 "directory" cam=/tmp
}

@test "camserve exits 66 for a descriptor that is not open" {
  refuses 66 "fd:37" cam=fd:37
}

@test "camserve exits 64 for a URL and names the pipeline" {
  refuses 64 "camgrab 'rtsp://user:***@cam.lan/x' | camserve" 'rtsp://user:secret@cam.lan/x'
}

@test "camserve exits 64 for a name that is none" {
  refuses 64 "letters, digits" 'my cam=-'
}

@test "camserve exits 69 for a ring, which is not there yet" {
  refuses 64 "ring's name" shm:a.b.c
}

@test "camserve exits 65 for an empty input" {
  : >empty
  refuses_input 65 "stdin: ended before the first frame" empty
}

@test "camserve exits 65 for random bytes" {
  head -c 300000 /dev/urandom >noise
  refuses_input 65 "stdin" noise
}

@test "camserve exits 65 for a text file" {
  yes "this is no video" | head -c 50000 >text
  refuses_input 65 "stdin" text
}

@test "camserve exits 65 for raw pictures and names camenc" {
  camgrab pattern -s 320x240 -n 10 --quiet >raw.nut
  refuses_input 65 "camenc -c mjpeg" raw.nut
}

@test "camserve exits 65 for an input that is not of the --input-format" {
  yes | head -c 50000 >text
  run --separate-stderr timeout 20 camserve --http 127.0.0.1:0 --rtsp none --quiet --input-format h264 <text
  assert_equal "$status" 65
}

@test "camserve takes a stream that ends inside a frame for its end, and exits 0" {
  camgrab pattern -s 320x240 -n 30 --quiet | camenc --quiet >whole.nut
  head -c $(($(stat -c %s whole.nut) - 1000)) whole.nut >cut.nut
  run --separate-stderr timeout 20 camserve --http 127.0.0.1:0 --rtsp none <cut.nut
  assert_equal "$status" 0
  assert_contains "$stderr" "in the middle of a frame"
}

@test "camserve exits 75 for a port in use and says who to ask" {
  port=$(free_port)
  start other $PYTHON -c "import socket, time; s = socket.create_server(('127.0.0.1', $port)); open('bound', 'w'); time.sleep(60)"
  wait_until 5 test -e bound
  run --separate-stderr timeout 20 camserve --http "127.0.0.1:$port" --rtsp none </dev/null
  assert_equal "$status" 75
  assert_contains "$stderr" "ss -ltnp"
}

@test "camserve exits 69 for an address that no interface here has" {
  run --separate-stderr timeout 20 camserve --http 192.0.2.1:0 --rtsp none </dev/null
  assert_equal "$status" 69
  assert_contains "$stderr" "ip address"
}

@test "camserve exits 77 for a port that needs a privilege" {
  [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 80 ] || skip "every port is free for all here"
  run --separate-stderr timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$(command -v camserve)" --http 127.0.0.1:80 --rtsp none </dev/null
  assert_equal "$status" 77
}

@test "camserve exits 64 when there would be nothing to serve" {
  run_tool 64 camserve --http none --rtsp none
}
