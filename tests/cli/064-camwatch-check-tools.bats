# camwatch check asks campipe's tools whether they would take their command lines, and looks for what these name.
load helper

# chain STAGE...: a configuration with these stages in c.yaml, the first in line 5
chain() { printf '%s\n' "version: 1" "chains:" "  c:" "    stages:" "${@/#/      }" >c.yaml; }

# finds PART TEXT STAGE...: exactly one finding, which says TEXT, where PART stands last in the file
finds() {
  chain "${@:3}"
  run_tool 78 camwatch check -c c.yaml
  assert_contains "$stderr" "camwatch: c.yaml:$(place_of "$1"): c/"
  assert_contains "$stderr" "$2"
  assert_equal "$(wc -l <<<"$stderr")" 1 "lines on stderr: $stderr"
  assert_equal "$output" "" "stdout"
}
place_of() {
  PART=$1 awk '{ at = index($0, ENVIRON["PART"]); if (at) place = NR ":" at } END { print place }' c.yaml
}
# warns TEXT STAGE...: good, with that warning
warns() {
  chain "${@:2}"
  run_tool camwatch check -c c.yaml
  assert_contains "$stderr" "$1"
  assert_contains "$output" "c.yaml: OK"
}
# good STAGE...: nothing to say
good() {
  chain "$@"
  run_tool camwatch check -c c.yaml
  assert_equal "$stderr" "" "stderr"
}

GRAB='grab: {cmd: [camgrab, pattern]}'
SERVE='serve: {from: grab, cmd: [camserve, --http, "127.0.0.1:0", --rtsp, none]}'

@test "each tool of campipe takes --check, prints what it would open and opens nothing" {
  run_tool camgrab --check pattern -o a.nut -o shm:front.raw
  assert_equal "$output" $'output a.nut\noutput shm:front.raw'
  run_tool camenc --check -c h264
  assert_equal "$output" $'input -\noutput -'
  run_tool camserve --check front=fd:3 --http :8080 --rtsp none
  assert_equal "$output" $'input fd:3\nlisten :8080'
  run_tool camrec --check -i shm:front.h264 rec
  assert_equal "$output" $'input shm:front.h264\nfolder rec'
  run_tool camring --check tap front.raw
  run_tool camwatch --check stop
  for tool in "camgrab pattern -r fast" "camenc -q 101" "camserve --http none --rtsp none" "camrec --name a/b rec" "camring tap a/b" "camwatch dance"; do
    run_tool 64 ${tool%% *} --check ${tool#* }
  done
  assert_equal "$(find . -name 'a.nut' -o -name rec)" "" "files"
  for tool in camgrab camenc camserve camrec camring camwatch; do run ! grep -q -- --check <("$tool" --help); done
}

@test "camwatch check finds wrong and contradictory options, at their place" {
  finds --ratee "--ratee" "$GRAB" 'enc: {from: grab, cmd: [camenc, -s, 640x, --ratee, "5"]}' "${SERVE/grab/enc}"
  finds -q "-q is for -c mjpeg" "$GRAB" 'enc: {from: grab, cmd: [camenc, -q, "5", -c, h264]}' "${SERVE/grab/enc}"
  finds --realtime "only a file can be slowed down" 'grab: {cmd: [camgrab, pattern, --realtime]}' "$SERVE"
  finds --http "nothing would be served" "$GRAB" 'serve: {from: grab, cmd: [camserve, --http, none, --rtsp, none]}'
  finds 'camrec]' "DIR is missing" "$GRAB" 'rec: {from: grab, cmd: [camrec]}'
}

@test "camwatch check finds tools that nobody feeds or reads" {
  finds camserve "reads its standard input, and no stage feeds that" 'serve: {cmd: [camserve, --http, "127.0.0.1:0"]}'
  finds '"cam=-' "reads its standard input" 'serve: {cmd: [camserve, --http, none, "cam=-"]}'
  finds fd:5 "reads fd:5, and no stage feeds that" 'serve: {cmd: [camserve, fd:5]}'
  finds '"-"' "writes its stream to standard output, and no stage reads that" 'grab: {cmd: [camgrab, pattern, -o, shm:x, -o, "-"]}'
}

@test "camwatch check finds files, folders and devices that are missing" {
  finds gone.nut "gone.nut: No such file" 'enc: {cmd: [camenc, -i, gone.nut, -o, shm:x]}'
  finds gone.url "gone.url: No such file" 'grab: {cmd: [camgrab, --url-file, gone.url, -o, shm:x]}'
  finds gone/x.nut "gone/x.nut: the folder gone is missing" 'grab: {cmd: [camgrab, pattern, -o, gone/x.nut]}'
  finds gone/rec "gone/rec: the folder gone is missing: is the disk mounted?" "$GRAB" 'rec: {from: grab, cmd: [camrec, gone/rec]}'
  finds grab: "env_file: cannot open" "grab: {cmd: [camgrab, pattern, -o, shm:x], env_file: $PWD/gone.env}"
  warns "/dev/video99: No such file" 'grab: {cmd: [camgrab, /dev/video99, -o, shm:x]}'
  good 'grab: {cmd: [camgrab, /dev/video99, --wait, -o, shm:x]}'
  good 'grab: {cmd: [camgrab, gone.mp4, --wait, -o, shm:x]}'
  good "$GRAB" 'rec: {from: grab, cmd: [camrec, rec]}'
}

@test "camwatch check sees stages beside each other: rings and addresses" {
  finds shm:x "shm:x is written by c/a: a ring has one writer" 'a: {cmd: [camgrab, pattern, -o, shm:x]}' 'b: {cmd: [camgrab, pattern, -o, shm:x]}'
  finds '"127.0.0.1:8091' "listens at 127.0.0.1:8091, and c/a at :8091" 'g: {cmd: [camgrab, pattern, -o, shm:x]}' \
    'a: {cmd: [camserve, shm:x, --http, ":8091", --rtsp, none]}' 'b: {cmd: [camserve, shm:x, --http, "127.0.0.1:8091", --rtsp, none]}'
  warns "writes shm:front.raw: it waits" 'rec: {cmd: [camrec, -i, shm:front.raw, rec]}'
  good 'serve: {cmd: [camserve, "shm:*.mjpeg"]}'
}

@test "camwatch check finds programs that cannot run: not executable, folders, missing interpreters; of hooks too" {
  echo 'echo x' >plain.sh
  chmod +x plain.sh
  printf '#!/nowhere/sh\n' >lost.sh
  printf '#!/usr/bin/env -S nowhere-python3 -u\n' >env.sh
  printf '#!/bin/sh\n' >shut.sh
  chmod +x lost.sh env.sh
  finds './shut' "shut.sh may not be executed: chmod +x" 's: {cmd: [./shut.sh]}'
  finds './lost' "its interpreter /nowhere/sh is not there" 's: {cmd: [./lost.sh]}'
  finds './env' "its interpreter nowhere-python3 is not in \$PATH" 's: {cmd: [./env.sh]}'
  finds './plain' "is a script without a #! line" 's: {cmd: [./plain.sh]}'
  finds '/tmp' "is a folder" 's: {cmd: [/tmp]}'
  printf 'version: 1\nhooks: {lost: [./shut.sh, "{chain}"]}\nchains: {c: {stages: {s: {cmd: [cat]}}}}\n' >c.yaml
  run_tool 78 camwatch check -c c.yaml
  assert_contains "$stderr" "c.yaml:2:15: hooks.lost: ./shut.sh may not be executed"
  # what could not start at all is refused by run and reload, too
  run_tool 78 camwatch run -c c.yaml
}

@test "camwatch check tells everything at once, in the order of the file" {
  chain 'a: {cmd: [no-such-program, shm:x]}' 'b: {cmd: [camgrab, pattern, --ratee, "5", -o, shm:x]}' 'c: {cmd: [camserve, "cam=-", "x=shm:x"]}'
  run_tool 78 camwatch check -c c.yaml
  assert_equal "$(grep -oE 'c\.yaml:[0-9]+' <<<"$stderr" | tr '\n' ' ')" "c.yaml:5 c.yaml:6 c.yaml:7 "
}

@test "camwatch check runs no program but its own" {
  mkdir other
  for name in camgrab camenc; do
    printf '#!/bin/sh\ntouch "%s/was-run"\n' "$PWD" >"other/$name"
    chmod +x "other/$name"
  done
  chain "a: {cmd: [$PWD/other/camgrab, pattern]}" 'b: {from: a, cmd: [camenc]}' 'c: {from: b, cmd: [cat]}'
  PATH=$PWD/other:$PATH run_tool camwatch check -c c.yaml
  [ ! -e was-run ]
  # by a link it is our own
  ln -s "$CAMPIPE_BIN/camgrab" grabber
  finds --ratee "--ratee" 'a: {cmd: [./grabber, pattern, --ratee]}'
}
