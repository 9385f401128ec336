# Shell completion as the build makes it: against --help, and in the shells themselves.
load helper

TOOLS="camgrab camenc camserve camrec camring camwatch"
SCRIPTS=$CAMPIPE_BIN/../completions

prepare() {
  export CAMPIPE_RING_DIR=$PWD/rings
  mkdir rings folder .fish
  touch rings/campipe.front.raw rings/campipe.front.raw.ctl rings/campipe.yard.h264 rings/campipe.yard.h264.ctl
  touch film.nut folder/inside.nut
}

subcommands() { "$1" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]\{1,\}\).*/\1/p'; }

# long_options COMMAND...: those that its --help lists
long_options() { "$@" --help | grep -oE '^ +(-[a-zA-Z0-9],)?--[a-z][a-z0-9-]*' | grep -oE -- '--[a-z0-9-]+' | sort -u; }

# taken TOOL [SUBCOMMAND]: the long options that may stand behind it: its own and the tool's
taken() { { long_options "$@"; long_options "$1"; } | sort -u; }

# in_bash WORD...: completes the last word as bash does, an answer a line
in_bash() { bash --norc "$ROOT/tests/support/bash_completes.bash" "$SCRIPTS/bash/$1" "$@" | sort; }

# completes SHELL LINE ANSWER...: exactly these, sorted
completes() {
  local shell=$1 line=$2 expected
  shift 2
  expected=$(printf '%s\n' "$@" | sort)
  if [ "$shell" = bash ]; then
    local words
    IFS=' ' read -ra words <<<"$line."
    words[-1]=${words[-1]%.}
    assert_equal "$(in_bash "${words[@]}")" "$expected" "bash: $line"
  else
    assert_equal "$(fish_candidates "$line" | cut -f1 | sort)" "$expected" "fish: $line"
  fi
}

# fish_candidates LINE: what fish offers, each with its help behind a tab
fish_candidates() {
  local tool=${1%% *}
  HOME=$PWD/.fish XDG_CONFIG_HOME=$PWD/.fish XDG_DATA_HOME=$PWD/.fish \
    fish --no-config -c "source '$SCRIPTS/fish/$tool'; complete -C '$1'"
}

@test "the scripts parse in their shells" {
  for tool in $TOOLS; do
    run -0 bash -n "$SCRIPTS/bash/$tool"
    run -0 zsh -n "$SCRIPTS/zsh/$tool"
    run -0 fish --no-execute "$SCRIPTS/fish/$tool"
    assert_equal "$(head -1 "$SCRIPTS/zsh/$tool")" "#compdef $tool"
  done
}

@test "bash offers the long options of --help and no others" {
  for tool in $TOOLS; do
    assert_equal "$(in_bash "$tool" --)" "$(long_options "$tool")" "$tool"
    for sub in $(subcommands "$tool"); do
      assert_equal "$(in_bash "$tool" "$sub" --)" "$(taken "$tool" "$sub")" "$tool $sub"
    done
  done
}

@test "fish offers the long options of --help and no others" {
  for tool in $TOOLS; do
    assert_equal "$(fish_candidates "$tool --" | cut -f1 | sort)" "$(long_options "$tool")" "$tool"
    for sub in $(subcommands "$tool"); do
      assert_equal "$(fish_candidates "$tool $sub --" | cut -f1 | sort)" "$(taken "$tool" "$sub")" "$tool $sub"
    done
  done
}

# zsh_options TOOL SUBCOMMAND: long options in the specs of that command ("" = the tool's own)
zsh_options() {
  awk -v sub_name="$2" '
    /^        [a-z]+\)$/ { command = $1; sub(/\)/, "", command) }
    command == sub_name' "$SCRIPTS/zsh/$1" | sed -nE "s/^ +'(\([^)]*\)|\*)?(--[a-z0-9-]+).*/\2/p" | sort -u
}

@test "zsh has the long options of --help and no others" {
  for tool in $TOOLS; do
    assert_equal "$(zsh_options "$tool" "")" "$(long_options "$tool")" "$tool"
    for sub in $(subcommands "$tool"); do
      assert_equal "$(zsh_options "$tool" "$sub")" "$(taken "$tool" "$sub")" "$tool $sub"
    done
  done
}

@test "bash and fish offer the words that a value may be" {
  for shell in bash fish; do
    completes $shell "camenc -c " copy h264 mjpeg raw
    completes $shell "camenc --codec m" mjpeg
    completes $shell "camrec --container m" mkv mp4
    completes $shell "camgrab --log-format " json text
    completes $shell "camserve --join " gop idr wait
    completes $shell "camring l" list
    completes $shell "camring tap --log-format j" json
  done
  completes bash "camenc --codec=m" mjpeg
  completes bash "camgrab p" pattern
  completes bash "camring " list rm stat tap
  completes bash "camwatch st" start status stop
  completes bash "camenc -q " ""
}

@test "bash and fish offer rings and files where an endpoint stands" {
  for shell in bash fish; do
    completes $shell "camring stat " front.raw yard.h264
    completes $shell "camring rm y" yard.h264
  done
  completes bash "camenc -i shm:" front.raw yard.h264
  completes bash "camenc -i shm:f" front.raw
  completes bash "camenc --output=shm:f" front.raw
  completes bash "camenc --output=fi" film.nut
  completes bash "camenc -i f" film.nut folder
  completes bash "camenc -i sh" shm:
  completes bash "camserve shm:y" yard.h264
  completes bash "camserve front=shm:f" front.raw
  completes bash "camserve front/low=fo" folder
  completes bash "camrec f" folder
  completes bash "camwatch check -c fi" film.nut
  completes fish "camenc -i shm:f" shm:front.raw
  completes fish "camenc -i fi" film.nut
  completes fish "camenc --output=shm:f" --output=shm:front.raw
  completes fish "camserve shm:y" shm:yard.h264
  completes fish "camserve yard=fi" yard=film.nut
  completes fish "camserve front=shm:f" front=shm:front.raw
  rm -r rings
  completes bash "camenc -i shm:" ""
  completes bash "camring tap " ""
}

@test "bash shows the help where it lists options, fish beside each" {
  export COMP_TYPE=63 COLUMNS=200
  in_bash camenc --o >listed
  assert_contains "$(cat listed)" "--on-change          When the input's format changes: follow or exit"
  [ "$(wc -l <listed)" -ge 3 ]
  COMP_TYPE=9 completes bash "camenc --on-c" --on-change
  assert_contains "$(fish_candidates "camenc --on-c")" $'--on-change\tWhen the input\'s format changes'
  assert_contains "$(fish_candidates "camring ")" $'tap\tWrite what flows through a ring'
}

@test "zsh completes options, words, rings and subcommands" {
  zsh_gives() { # LINE WORDS
    assert_equal "$("$ROOT/tests/support/zsh_completes.zsh" "$PWD/functions" "$1")" "$2" "zsh: $1"
  }
  mkdir functions
  for tool in $TOOLS; do cp "$SCRIPTS/zsh/$tool" "functions/_$tool"; done
  zsh_gives "camenc -c mj" "-c mjpeg"
  zsh_gives "camenc --on-ch" "--on-change"
  zsh_gives "camenc --on-change=f" "--on-change=follow"
  zsh_gives "camgrab pat" "pattern"
  zsh_gives "camenc -i fil" "-i film.nut"
  zsh_gives "camenc -i shm:f" "-i shm:front.raw"
  zsh_gives "camserve front=shm:y" "front=shm:yard.h264"
  zsh_gives "camring sta" "stat"
  zsh_gives "camring stat y" "stat yard.h264"
  zsh_gives "camring tap --fr" "tap --frames"
  zsh_gives "camwatch check -c fi" "check -c film.nut"
}

@test "every word that completion offers is one that the tool takes" {
  : >words
  for tool in camgrab camenc camserve camrec; do
    "$tool" --completion=bash | sed -nE "s/^ +(:-[^)]*)\) kind=.* choices=\((.+)\) ;;/\1 \2/p" |
      sed -E 's/^:.*:(-[a-z-]+) |^:(-[a-z-]+) /\1\2 /' | sed "s/^/$tool /" >>words
  done
  [ "$(wc -l <words)" -ge 12 ]
  while read -r tool option choices; do
    for word in $choices; do
      taken_by "$tool" "$option" "$word"
    done
  done <words
}

# With an input that is not there a command line that is right exits with 66, a wrong one with 64.
taken_by() {
  local more=()
  case $1 in
    camgrab) more=(missing.nut) ;;
    camrec) more=(-i missing.nut folder) ;;
    camserve) more=(--http 127.0.0.1:0 --rtsp none missing.nut) ;;
    camenc) more=(-i missing.nut) ;;
  esac
  case $1$2 in
    camgrab--format) more=(/dev/video-missing) ;;
    camgrab--rtsp-transport) more=(rtsp://127.0.0.1:1/ --no-reconnect) ;;
    camenc--preset) more+=(-c h264) ;;
    camenc--pixel-format) more+=(-c raw) ;;
  esac
  run --separate-stderr timeout 10 "$1" "$2" "$3" "${more[@]}"
  [ "$status" -ne 64 ] || { echo "$1 $2 $3 ${more[*]}: $stderr" >&2; return 1; }
}
