load helper

check() { # CODE FOLDER
  run_tool "$1" "$PYTHON" "$ROOT/scripts/check-requirements.py" "$2"
}

# pages FOLDER ROW...: a repository with some tests, and both pages with the rows in a table
pages() {
  local folder=$1 page
  shift
  mkdir -p "$folder"/{docs,tests/cli,tests/faults,tests/fuzz,tests/unit/net/http}
  printf '%s\n' '@test "camera shows" {' '}' '@test "one line" { true; }' >"$folder/tests/cli/010-camera.bats"
  printf '%s\n' 'tap.ok(True, "nothing is lost")' >"$folder/tests/faults/100-kill.py"
  printf '%s\n' 'TEST_F(Parser, TakesPieces) {' 'TEST(Parser,' '     IsBounded) {' >"$folder/tests/unit/net/http/parser_test.cpp"
  touch "$folder/tests/fuzz/net_http_fuzz.cpp"
  for page in requirements threat-model; do
    printf '%s\n' '# Page' '' '| what | how | test |' '| --- | --- | --- |' "$@" >"$folder/docs/$page.md"
  done
}

@test "check-requirements accepts this repository" {
  check 0 "$ROOT"
}

@test "check-requirements accepts every way to name a test, and counts what is open" {
  pages a '| frames come | `camgrab` | `tests/cli/010-camera.bats: "camera shows"` |' \
    '| in order | `a \| b` | `tests/cli/010-camera.bats: "one line"`<br>`Parser.TakesPieces` |' \
    '| bounded | parser | `Parser.IsBounded`<br>`net_http_fuzz` |' \
    '| killed | camwatch | `tests/faults/100-kill.py`<br>`tests/faults/100-kill.py: "nothing is lost"` |' \
    '| in colour | ring | not yet |' '| in stereo | two cameras | not yet |'
  check 0 a
  assert_equal "$output" "docs/requirements.md: 4 rows with tests, 2 not yet
docs/threat-model.md: 4 rows with tests, 2 not yet"
}

@test "check-requirements refuses tests that are not there" {
  for reference in 'tests/cli/010-camera.bats: "camera hides"' 'tests/cli/011-none.bats: "camera shows"' 'Parser.TakesAll' \
    'tests/faults/200-none.py' 'tests/faults/100-kill.py: "all is lost"' 'tests/cli/010-camera.bats' 'net_rtsp_fuzz' \
    'tests/unit/net/http/parser_test.cpp: "Parser.TakesPieces"' 'camera shows'; do
    pages a "| frames come | how | \`$reference\` |"
    check 1 a
    assert_contains "$output" "docs/requirements.md:5: $reference"
    assert_contains "$output" "docs/threat-model.md:5: "
  done
}

@test "check-requirements refuses rows that are not whole, and words in the place of a test" {
  for row in '| two | cells |' '| a | b | c | d |' '| a |  | not yet |' '| a | b |  |' '| a | b | soon |' \
    '| a | b | not yet, but soon |' '| a | b | `Parser.IsBounded` and more |'; do
    pages a "$row"
    check 1 a
    assert_contains "$output" "docs/requirements.md:5: "
  done
}

@test "check-requirements prints a line for each violation" {
  pages a '| a | b | soon |' '| a | b | `Parser.IsBounded`<br>`Parser.Gone`<br>`Parser.Lost` |' '' \
    'See `tests/cli/020-gone.bats`.'
  rm a/docs/threat-model.md
  check 1 a
  assert_equal "$output" "docs/requirements.md:5: 'soon' is neither a test in backticks nor 'not yet'
docs/requirements.md:6: Parser.Gone: tests/unit has no such test
docs/requirements.md:6: Parser.Lost: tests/unit has no such test
docs/requirements.md:8: tests/cli/020-gone.bats: there is no such file
docs/threat-model.md: is missing"
  printf 'nothing here\n' >a/docs/requirements.md
  check 1 a
  assert_contains "$output" "docs/requirements.md:1: no table"
}
