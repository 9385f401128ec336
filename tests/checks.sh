#!/usr/bin/env bash
# Checks of the sources themselves, in TAP: layout, manual pages, arrows between the libraries, tests that could look away.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 70
preset=${1:-dev}
bin=build/$preset/bin
count=0

check() { # NAME COMMAND...
  local name=$1 output
  shift
  count=$((count + 1))
  if output=$("$@" 2>&1); then
    echo "ok $count $name"
  else
    echo "not ok $count $name"
    printf '%s\n' "$output" | head -40 | sed 's/^/# /'
  fi
}

formatted() { git ls-files '*.cpp' '*.hpp' '*.c' '*.h' | xargs clang-format-19 --dry-run -Werror; }
manual_is_clean() { mandoc -Tlint -W warning "$1"; }

# The long options that a --help text lists.
listed_options() { grep -oE '^ +(-[a-zA-Z0-9],)?--[a-z][a-z0-9-]*' | grep -oE -- '--[a-z0-9-]+' | sort -u; }

# Every long option of --help is in the page's lists, and every one of them is in --help.
options_match() {
  local tool=$1 help page only sub
  help=$("$bin/$tool" --help | listed_options)
  if [ "$tool" = camwatch ] || [ "$tool" = camring ]; then # subcommands have options of their own
    for sub in $("$bin/$tool" --help | sed -n '/^Subcommands:/,/^$/p' | grep -oE '^  [a-z]+' | tr -d ' '); do
      help+=$'\n'$("$bin/$tool" "$sub" --help | listed_options)
    done
    help=$(sort -u <<<"$help" | grep .)
  fi
  # mdoc: .It Fl -long Ar x, or .It Fl s , -long Ar x
  page=$(grep -E '^\.It Fl' "man/$tool.1" | grep -oE ' -[a-z][a-z0-9-]+' | sed 's/ -/--/' | sort -u)
  only=$(comm -23 <(echo "$help") <(echo "$page"))
  if [ -n "$only" ]; then echo "in --help and not in man/$tool.1: $only"; return 1; fi
  only=$(comm -13 <(echo "$help") <(echo "$page"))
  if [ -n "$only" ]; then echo "in man/$tool.1 and not in --help: $only"; return 1; fi
}

scripts_parse() { git ls-files '*.sh' | xargs -n1 bash -n; }
no_workplace() { ! git grep -nIE 'TODO|FIXME|XXX' -- lib tools scripts examples; }

# What lets a test look away from a failure.
no_until_pass() { ! git grep -nI 'until[-]pass' -- tests scripts CMakePresets.json .ci; }
exit_statuses_count() { ! git grep -nE '(wait|kill) .*\|\| *(true|:)|wait_until .*\|\| *(true|:)' -- tests ':!tests/v4l2vm/run-in-vm' ':!tests/checks.sh'; }
# A file of its own setup or teardown, or a list of its own, would let processes go unjudged.
harness_judges() { ! git grep -nE '^(setup|teardown)\(\)|BACKGROUND\+?=' -- 'tests/**.bats' 'tests/*/*_helper.bash' tests/interop/rtsp.bash; }
jobs_are_started() { ! git grep -nE '(^|[^&|>0-9"\\]) ?&$' -- 'tests/cli/*.bats' 'tests/interop/*.bats' 'tests/examples/*.bats'; }
python_is_judged() { ! git grep -nE '(process|writer|\])\.(kill|terminate)\(\)' -- 'tests/faults/*.py'; }

check "C++ is formatted as .clang-format says" formatted
check "includes in lib/ point only downwards" /usr/bin/python3 scripts/check-includes.py
check "tests that requirements.md and threat-model.md name are there" /usr/bin/python3 scripts/check-requirements.py
check "shell scripts parse" scripts_parse
check "nothing is marked unfinished" no_workplace
check "no test runs until it passes" no_until_pass
check "no test ignores an exit status that it waits for" exit_statuses_count
check "setup, teardown and background processes are the harness's" harness_judges
check "background processes in shell tests are started by the harness" jobs_are_started
check "fault programs kill by Scratch, which judges the end" python_is_judged
for page in man/*.[1-8]; do check "$page is clean under mandoc -Tlint" manual_is_clean "$page"; done
for tool in camgrab camenc camserve camrec camring camwatch; do check "$tool: options of --help and of the manual page agree" options_match "$tool"; done
echo "1..$count"
