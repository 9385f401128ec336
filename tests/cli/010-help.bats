# --help of all tools: its width, how it wraps, its headings.
load helper

TOOLS="camgrab camenc camserve camrec camring camwatch"

# commands TOOL: "TOOL", then "TOOL SUBCOMMAND" for each it has
commands() {
  echo "$1"
  "$1" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]\{1,\}\).*/\1/p' | sed "s/^/$1 /"
}

# at_columns N COMMAND...: its --help on a terminal of N columns
at_columns() {
  local columns=$1
  shift
  script -qec "stty cols $columns && $* --help" /dev/null </dev/null | tr -d '\r'
}

# widest: columns of the longest line on stdin
widest() { $PYTHON -c 'import sys; print(max(len(line.rstrip("\n")) for line in sys.stdin))'; }

# words: those of stdin one after the other, however they are broken into lines
words() { sed 's/ \\$//' | tr -s ' \n' '\n' | grep .; }

headings() { grep -oE '^[A-Z][a-z ]+:$' | tr -d ':' | tr '\n' ',' | sed 's/,$//'; }

@test "--help has at most 80 columns when piped" {
  for tool in $TOOLS; do
    while read -r command; do
      $command --help >help
      [ -s help ]
      assert_between "$(widest <help)" 40 80 "columns of $command --help"
    done < <(commands "$tool")
  done
}

@test "--help is as wide as the terminal, but not below 40 columns, and loses no word" {
  for tool in $TOOLS; do
    while read -r command; do
      $command --help | words >piped
      for columns in 40 60 120; do
        at_columns "$columns" "$command" >help
        assert_between "$(widest <help)" 30 "$columns" "columns of $command --help at $columns"
        words <help >seen
        run -0 diff piped seen
      done
      assert_equal "$(at_columns 10 "$command")" "$(at_columns 40 "$command")" "$command --help at 10 columns"
    done < <(commands "$tool")
  done
  assert_between "$(at_columns 120 camgrab | widest)" 81 120 "columns of camgrab --help at 120"
}

@test "descriptions hang below each other, and none begins a line with an option" {
  for tool in $TOOLS; do
    # between the first heading and the examples: headings, entries at column 2, explanations all at one column
    $tool --help | sed -n '/^[A-Z][a-z ]*:$/,/^Examples:/p' | grep '^ ' | grep -vE '^  [^ ]' >explanations || true
    $tool --help | grep -E '^  -' >entries
    [ -s entries ]
    sed -n '/^Examples:/,$p' explanations >none
    [ ! -s none ]
    sed 's/[^ ].*//' explanations | sort | uniq -c >indents
    assert_between "$(wc -l <indents)" 0 1 "indents of $tool --help: $(cat indents)"
    run ! grep -E '^ +-' explanations
  done
}

@test "options stand below headings" {
  assert_equal "$(camgrab --help | headings)" "Arguments,Source,Network,Output,Rings,Lists,Messages,General,Examples"
  assert_equal "$(camenc --help | headings)" "Source,Encoding,Output,Rings,Messages,General,Examples"
  assert_equal "$(camserve --help | headings)" "Arguments,Source,Network,Messages,General,Examples"
  assert_equal "$(camrec --help | headings)" "Arguments,Source,Files and limits,Messages,General,Examples"
  assert_equal "$(camring --help | headings)" "Messages,General,Subcommands,Examples"
  assert_equal "$(camring tap --help | headings)" "Arguments,Options,General,Examples"
  assert_equal "$(camwatch --help | headings)" "Messages,General,Subcommands,Examples"
}

@test "--help-all has the help of each subcommand" {
  for tool in camring camwatch; do
    $tool --help-all >all
    while read -r command; do
      grep -qF "Usage: $command [OPTIONS]" all
      run -0 comm -13 <(sort -u all) <($command --help | sort -u)
      assert_equal "$output" "" "lines of $command --help that are not in $tool --help-all"
    done < <(commands "$tool")
    assert_between "$(widest <all)" 40 80 "columns of $tool --help-all"
  done
}
