load helper

# refused LINE:COLUMN TEXT: what is on stdin, as a configuration
refused() {
  cat >bad.yaml
  run_tool 78 camwatch check -c bad.yaml
  assert_contains "$stderr" "camwatch: bad.yaml:$1: "
  assert_contains "$stderr" "$2"
  assert_equal "$(wc -l <<<"$stderr")" 1 "lines on stderr"
}

@test "camwatch check says OK and shows the chains as trees" {
  cat >good.yaml <<'Y'
version: 1
chains:
  front:
    stages:
      one: {cmd: [echo, hello]}
      two: {from: one, cmd: [tee, "/dev/fd/out.three", "/dev/fd/out.four"]}
      three: {from: two, cmd: [cat], required: false}
      four: {from: two, cmd: [cat], link: paired}
Y
  run_tool camwatch check -c good.yaml
  assert_equal "$output" "good.yaml: OK, chains: 1, stages: 4
front
  one: echo hello
    two: tee /dev/fd/3 /dev/fd/4
      three: cat (not required)
      four: cat (paired)"
}

@test "camwatch check names the place of what is wrong" {
  refused 2:1 "colour: unknown key" <<<$'version: 1\ncolour: red\nchains: {a: {stages: {s: {cmd: [cat]}}}}'
  refused 1:10 "cannot use '7'" <<<$'version: 7\nchains: {a: {stages: {s: {cmd: [cat]}}}}'
  refused 2:18 "list of words" <<<$'version: 1\nhooks: {failing: notify-me}'
  refused 2:33 "one of always" <<<$'version: 1\ndefaults: {restart:      {when: maybe}}\nchains: {a: {stages: {s: {cmd: [cat]}}}}'
  refused 4:3 "twice" <<<$'version: 1\nchains:\n  a: {stages: {s: {cmd: [cat]}}}\n  a: {stages: {s: {cmd: [cat]}}}'
  refused 5:17 "no stage 'nowhere'" <<<$'version: 1\nchains:\n  a:\n    stages:\n      s: {from: nowhere, cmd: [cat]}'
  refused 5:17 "circle" <<<$'version: 1\nchains:\n  a:\n    stages:\n      s: {from: t, cmd: [cat]}\n      t: {from: s, cmd: [cat]}'
  refused 5:17 "no program 'camgrb'" <<<$'version: 1\nchains:\n  a:\n    stages:\n      s: {cmd: [camgrb]}'
  refused 5:29 "shm" <<<$'version: 1\nchains:\n  a:\n    stages:\n      s: {cmd: [cat], link: rope}'
  refused 5:22 "no shell" <<<$'version: 1\nchains:\n  a:\n    stages:\n      s: {cmd: [cat, $HOME]}'
  refused 3:17 "no template" <<<$'version: 1\nchains:\n  a: {template: t}'
  refused 4:1 "not YAML" <<<$'version: 1\nchains: [\n'
}

@test "camwatch refuses the same when it is to run, before anything starts" {
  printf 'version: 1\nchains: {a: {stages: {s: {cmd: [touch, started], when: now}}}}\n' >bad.yaml
  run_tool 78 camwatch run -c bad.yaml
  assert_contains "$stderr" "bad.yaml:2:50: "
  [ ! -e started ]
}

@test "camwatch exits 66 when there is no such configuration, or it is a folder" {
  run_tool 66 camwatch check -c none.yaml
  assert_contains "$stderr" "none.yaml"
  run_tool 66 camwatch check -c /tmp
}

@test "camwatch warns of a password in a command line and never shows it" {
  printf 'version: 1\nchains: {a: {stages: {s: {cmd: [cat, "rtsp://me:hunter2@cam/x"]}}}}\n' >c.yaml
  run_tool camwatch check -c c.yaml
  assert_contains "$stderr" "a/s: a password in its command line"
  [[ $output$stderr != *hunter2* ]]
}

@test "camwatch check finds the default configuration by XDG" {
  mkdir -p config/campipe
  printf 'version: 1\nchains: {a: {stages: {s: {cmd: [cat]}}}}\n' >config/campipe/camwatch.yaml
  XDG_CONFIG_HOME=$PWD/config run_tool camwatch check
  assert_contains "$output" "config/campipe/camwatch.yaml: OK"
}
