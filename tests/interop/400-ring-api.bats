# libcampipe-ring as other projects use it: installed, found by pkg-config and by CMake, from C and C++.
load ../cli/helper

BUILD=$(cd "$CAMPIPE_BIN/.." && pwd)

prepare() {
  CAMPIPE_RING_DIR=$(mktemp -d /dev/shm/ring_api_XXXXXX)
  export CAMPIPE_RING_DIR
  cmake --install "$BUILD" --prefix "$PWD/prefix" --component ring >install.log
}

clean_up() {
  rm -rf "$CAMPIPE_RING_DIR"
}

python_dir() { dirname "$(find "$PWD/prefix" -name campipe_ring.py)"; }
libdir() { dirname "$(find prefix -name libcampipe-ring.so)"; }

# What the example sees of three pictures, all bytes 100, in the ring `test.raw`
reads_three_pictures() { # PROGRAM
  LD_LIBRARY_PATH=$PWD/$(libdir) start feed "$PYTHON" -c '
import sys, time
sys.path.insert(0, sys.argv[1])
import campipe_ring
with campipe_ring.Writer("test.raw", 64, 48, "gray", 30) as writer:
    while True:
        with writer.frame() as picture:
            picture[:] = 100
        time.sleep(0.01)
' "$(python_dir)"
  LD_LIBRARY_PATH=$PWD/$(libdir) run_tool "$1" test.raw 3
  assert_equal "$(head -1 <<<"$output")" "format gray 64x48"
  assert_equal "$(grep -c '^frame .* in place brightness 100.0$' <<<"$output")" 3 "pictures seen in place"
}

@test "a C11 program finds the library with pkg-config" {
  export PKG_CONFIG_PATH=$PWD/$(libdir)/pkgconfig
  # shellcheck disable=SC2046
  gcc -std=c11 -Wall -Wextra -Wpedantic -Werror "$ROOT/examples/ring_reader.c" \
    $(pkg-config --cflags --libs campipe-ring) -o reader
  assert_equal "$(pkg-config --modversion campipe-ring)" "$(camring --version | cut -d' ' -f2)"
  reads_three_pictures ./reader
}

@test "a C project finds the library with find_package" {
  mkdir project
  cp "$ROOT/examples/ring_reader.c" project/
  cat >project/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(reader LANGUAGES C)
find_package(campipe-ring 0.1 REQUIRED)
add_executable(reader ring_reader.c)
set_target_properties(reader PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON)
target_link_libraries(reader PRIVATE campipe::ring)
CMAKE
  run_tool cmake -S project -B project/build -DCMAKE_PREFIX_PATH="$PWD/prefix"
  run_tool cmake --build project/build
  reads_three_pictures ./project/build/reader
}

@test "the header is plain C11 and C++11, with all warnings on" {
  echo '#include <campipe/ring.h>
int main(void) { return campipe_ring_version()[0] == 0; }' >header.c
  cp header.c header.cpp
  for compiler in "gcc -std=c11" "clang-19 -std=c11" "g++ -std=c++11" "clang++-19 -std=c++11"; do
    file=header.c
    case $compiler in *++*) file=header.cpp ;; esac
    $compiler -Wall -Wextra -Wpedantic -Werror -Iprefix/include "$file" -L"$(libdir)" -lcampipe-ring -o header
    LD_LIBRARY_PATH=$(libdir) ./header
  done
}

@test "the library shows the header's functions and nothing else" {
  nm -D --defined-only "$(libdir)/libcampipe-ring.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >shown
  grep -oE 'campipe_ring_[a-z_]+\(' prefix/include/campipe/ring.h | tr -d '(' | sort -u >declared
  gcc -E -P prefix/include/campipe/ring.h | tr '\n' ' ' | grep -oE 'campipe_ring_[a-z_]+ ?\(' | tr -d ' (' | sort -u >declared
  run -0 diff declared shown
  [ -s declared ]
}

@test "the library needs libc, libstdc++ and fmt, and nothing else of ours" {
  objdump -p "$(libdir)/libcampipe-ring.so" | awk '$1 == "NEEDED" { print $2 }' | sort >needed
  run ! grep -vE '^(libc\.so|libstdc\+\+\.so|libgcc_s\.so|libm\.so|ld-linux|libfmt\.so)' needed
  assert_equal "$(objdump -p "$(libdir)/libcampipe-ring.so" | awk '$1 == "SONAME" { print $2 }')" libcampipe-ring.so.0
}

@test "the Python module finds the library of its own prefix" {
  PYTHONPATH=$(python_dir) run_tool "$PYTHON" -c '
import campipe_ring
print(campipe_ring._lib._name)'
  assert_contains "$output" "$PWD/prefix/"
}

@test "the reader in campipe-ring(5) reads a picture, and that page's tables are those of this version" {
  # from "#!" to the end of the display, with mdoc's backslashes as they are shown
  sed -n '/^#!\/usr\/bin\/env python3/,/^\.Ed/p' "$ROOT/man/campipe-ring.5" | sed '/^\.Ed/d; s/\\e/\\/g; s|/dev/shm/|'"$CAMPIPE_RING_DIR"'/|' >newest.py
  cat >write.py <<'PY'
import time
import campipe_ring
with campipe_ring.Writer("page", 640, 480, "gray", 30) as writer:
    with campipe_ring.Reader("page", leases=0):  # keeps the ring when the writer ends
        with writer.frame() as picture:
            picture[:] = 1
        with writer.frame() as picture:
            picture[:] = 2
        print("there", flush=True)
        time.sleep(30)
PY
  PYTHONPATH=$(python_dir) start writer "$PYTHON" write.py
  wait_for_line 20 writer.out there
  run_tool "$PYTHON" newest.py page
  assert_equal "$stderr" "gray 640 480 number 2"
  "$PYTHON" newest.py page 2>/dev/null >picture
  assert_equal "$(stat -c %s picture)" $((640 * 480))
  assert_equal "$(tr -d '\002' <picture | wc -c)" 0 "bytes that are not 2"
}
