load helper

# number REGEX FOLDER: the number behind the first match
number() { grep -rhoE "$1 *[0-9]+" "$2" | head -1 | grep -oE '[0-9]+$'; }

@test "the changelog's newest release is the version that is built, and each has its section Breaking" {
  cd "$ROOT" || return 1
  newest=$(grep -oE '^## \[[0-9.]+\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$' CHANGELOG.md | head -1)
  built=$(grep -oE '^project\(campipe VERSION [0-9.]+' CMakeLists.txt)
  assert_contains "$newest" "[${built##* }]"
  assert_equal "$(grep '^## ' CHANGELOG.md | head -1)" "## [Unreleased]" "first section"
  # of each release the heading that follows first
  assert_equal "$(awk '/^## / { if (waits) print "nothing"; waits = 1; next } /^#/ && waits { print; waits = 0 }
    END { if (waits) print "nothing" }' CHANGELOG.md | sort -u)" "### Breaking" "first part of each release"
}

@test "the changelog tells the versions that rings, pipes and the C interface have in the sources" {
  cd "$ROOT" || return 1
  row() { grep -F "| $1" CHANGELOG.md | cut -d'|' -f3 | tr -d ' '; }
  assert_equal "$(row "the layout of rings")" "$(number 'std::uint32_t kVersion =' lib/ring)" "ring layout"
  assert_equal "$(row "the C interface to rings")" "$(number 'define CAMPIPE_RING_API_VERSION' lib/ring)" "C interface"
  tag=$(row "the pipe stream")
  [ -n "$tag" ]
  grep -rqF "\"$tag\"" lib/wire
  grep -qF "$tag ASCII" <(mandoc -T utf8 man/campipe-stream.5 | col -bx)
}

@test "links in the documents lead to files that are there" {
  cd "$ROOT" || return 1
  git ls-files -co --exclude-standard '*.md' >"$BATS_TEST_TMPDIR/pages"
  assert_contains "$(cat "$BATS_TEST_TMPDIR/pages")" docs/architecture.md
  missing=""
  while read -r page; do
    for target in $(grep -oE '\]\([^)#: ]+[)#]' "$page" | sed 's/^](//; s/.$//'); do
      [ -e "$(dirname "$page")/$target" ] || missing+="$page: $target"$'\n'
    done
  done <"$BATS_TEST_TMPDIR/pages"
  assert_equal "$missing" "" "links that lead nowhere"
}

@test "files of the sources that architecture.md and timing.md name are there" {
  cd "$ROOT" || return 1
  missing=""
  for path in $(grep -ohE '`[a-z0-9_]+/[A-Za-z0-9_/.-]+\.[ch]pp`' docs/architecture.md docs/timing.md | tr -d '`' | sort -u); do
    [ -e "lib/$path" ] || [ -e "$path" ] || [[ $path == tools/NAME/* ]] || missing+="$path"$'\n'
  done
  assert_equal "$missing" "" "files that are not there"
}
