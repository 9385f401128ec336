# What `cmake --install` puts where, and that it works there.
load ../cli/helper

BUILD=$(cd "$CAMPIPE_BIN/.." && pwd)
TOOLS="camgrab camenc camserve camrec camring camwatch"

installed_under() { # PREFIX: into the folder dest, as a packager does it
  DESTDIR=$PWD/dest cmake --install "$BUILD" --prefix "$1" >install.log
}

# under PREFIX COMMAND...: as if what dest has were installed on this machine: its PREFIX lies over the machine's own
under() {
  local prefix=$1 apart=(unshare --mount)
  shift
  if [ "$(id -u)" != 0 ]; then apart=(unshare --user --map-root-user --mount); fi
  "${apart[@]}" sh -c 'mount -t overlay overlay -o "lowerdir=$0:$1" "$1" && shift && exec "$@"' "$PWD/dest$prefix" "$prefix" "$@"
}

@test "programs, manual, completions, systemd unit, examples and documents are installed" {
  installed_under /usr/local
  cd dest/usr/local
  for tool in $TOOLS; do
    [ -x "bin/$tool" ]
    for file in "share/man/man1/$tool.1" "share/bash-completion/completions/$tool" "share/zsh/site-functions/_$tool" \
      "share/fish/vendor_completions.d/$tool.fish"; do
      [ -s "$file" ] || { echo "no $file" >&2; return 1; }
    done
  done
  for page in "$ROOT"/man/*.[1-8]; do cmp "$page" "share/man/man${page##*.}/${page##*/}"; done
  cmp "$ROOT/examples/systemd/camwatch.service" lib/systemd/system/camwatch.service
  for document in "$ROOT"/*.md "$ROOT"/docs/*.md "$ROOT"/docs/*/*.md; do
    cmp "$document" "share/doc/campipe/${document#"$ROOT"/}"
  done
  if [ -e "$ROOT/LICENSE" ]; then cmp "$ROOT/LICENSE" share/doc/campipe/LICENSE; fi
  # the examples as they are in the sources, with their permissions
  (cd "$ROOT" && git ls-files examples | xargs -d '\n' stat -c '%A %s %n' | sort) >wanted
  (cd share/doc/campipe && find examples -type f -print0 | xargs -0 stat -c '%A %s %n' | sort) >there
  run -0 comm -23 wanted there
  assert_equal "$output" "" "examples that are not installed"
}

@test "Debian's Python imports campipe_ring after an installation under /usr/local and under /usr" {
  cat >library.py <<'P'
import campipe_ring
print(campipe_ring.__file__)
print(campipe_ring._lib._name)
P
  for prefix in /usr/local /usr; do
    rm -rf dest
    installed_under "$prefix"
    [ -n "$(find "dest$prefix/lib" -name campipe_ring.py)" ]
    unset PYTHONPATH CAMPIPE_RING_LIBRARY
    run_tool "$PYTHON" -c 'import importlib.util; print(importlib.util.find_spec("campipe_ring"))'
    assert_equal "$output" None "the module on this machine before"
    run under "$prefix" "$PYTHON" library.py
    [ "$status" = 0 ] || { echo "$output" >&2; return 1; }
    assert_contains "$output" "$prefix/lib/python3"
    assert_contains "$output" "/dist-packages/campipe_ring.py"
    assert_contains "$output" "$(find "dest$prefix" -name 'libcampipe-ring.so.0' | sed 's/^dest//')"
  done
}

@test "the module works under a prefix that Python does not know, by PYTHONPATH" {
  cmake --install "$BUILD" --prefix "$PWD/own" >install.log
  [ -s own/lib/python3/dist-packages/campipe_ring.py ]
  export PYTHONPATH=$PWD/own/lib/python3/dist-packages
  run_tool env -u CAMPIPE_RING_LIBRARY "$PYTHON" -c 'import campipe_ring; print(campipe_ring._lib._name)'
  assert_contains "$output" "$PWD/own/lib"
}

@test "CAMPIPE_PYTHON_DIR says where the module goes" {
  sed "s|^set(folder \"\")|set(folder \"lib64/python3/site-packages\")|" "$BUILD/cmake_install.cmake" >other.cmake
  run ! cmp other.cmake "$BUILD/cmake_install.cmake"
  grep -q 'CAMPIPE_PYTHON_DIR:STRING=$' "$BUILD/CMakeCache.txt"
  DESTDIR=$PWD/dest cmake -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_COMPONENT=ring -DCMAKE_INSTALL_LOCAL_ONLY=1 -P other.cmake
  [ -s dest/usr/lib64/python3/site-packages/campipe_ring.py ]
}

@test "the installed header and library compile examples/ring_reader.c, and its programs run" {
  cmake --install "$BUILD" --prefix "$PWD/own" >install.log
  PKG_CONFIG_PATH=$(dirname "$(find "$PWD/own" -name campipe-ring.pc)")
  export PKG_CONFIG_PATH
  # shellcheck disable=SC2046
  gcc -std=c11 -Wall -Wextra -Werror own/share/doc/campipe/examples/ring_reader.c \
    $(pkg-config --cflags --libs campipe-ring) -o reader
  mkdir rings
  export CAMPIPE_RING_DIR=$PWD/rings LD_LIBRARY_PATH=$(pkg-config --variable=libdir campipe-ring)
  start grab own/bin/camgrab pattern -s 64x48 -r 30 -o shm:a.raw --quiet
  run_tool ./reader a.raw 3
  assert_equal "$(grep -c '^frame ' <<<"$output")" 3 "frames"
}

@test "warnings are errors for developers and not in a release" {
  grep -q -- ' -Werror ' "$BUILD/compile_commands.json"
  run_tool cmake -S "$ROOT" --preset release -B "$PWD/release"
  run ! grep -e -Werror release/compile_commands.json
  grep -q -- ' -Wall ' release/compile_commands.json
}
