load helper

tree() { # FILE CONTENT: a repository with one file
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" >"$1"
}

@test "check-includes accepts this repository" {
  run_tool 0 "$PYTHON" "$ROOT/scripts/check-includes.py" "$ROOT"
}

@test "check-includes refuses arrows upwards, sideways and to foreign headers" {
  tree a/lib/base/x.cpp '#include "media/format.hpp"'
  tree b/lib/rtp/x.cpp '#include "mp4/box.hpp"'
  tree c/lib/wire/x.cpp '#include "ffmpeg/raii.hpp"'
  tree d/lib/media/x.cpp '#include <libavcodec/avcodec.h>'
  tree e/lib/media/x.cpp '#include "format.hpp"'
  tree f/lib/unheard/x.cpp '#include <vector>'
  tree g/lib/codec/x.cpp '#include "capture/source.hpp"'
  tree h/lib/serve/x.cpp '  #  include "jpeg/decoder.hpp"'
  tree i/lib/serve/x.cpp '#include "../media/format.hpp"'
  tree j/lib/record/x.cpp 'extern "C" {
#include <libswscale/swscale.h>
}'
  tree k/lib/cli/detail/x.cpp '#include "wire/reader.hpp"'
  for wrong in a b c d e f g h i j k; do
    run_tool 1 "$PYTHON" "$ROOT/scripts/check-includes.py" "$wrong"
    assert_contains "$output" "x.cpp"
  done
}

@test "check-includes prints one line for each wrong arrow" {
  tree a/lib/media/x.hpp '#include "wire/reader.hpp"
#include "base/units.hpp"
#include "rtp/sdp.hpp"'
  tree a/lib/base/y.cpp '#include "cli/run.hpp"'
  run_tool 1 "$PYTHON" "$ROOT/scripts/check-includes.py" a
  assert_equal "$output" "lib/base/y.cpp:1: lib/base must not include cli/run.hpp
lib/media/x.hpp:1: lib/media must not include wire/reader.hpp
lib/media/x.hpp:3: lib/media must not include rtp/sdp.hpp"
}

@test "check-includes accepts arrows downwards" {
  tree a/lib/serve/x.cpp '#include "rtp/sdp.hpp"
#include "serve/hub.hpp"
#include <uv.h>'
  tree a/lib/record/x.cpp '#include "ffmpeg/raii.hpp"
#include "mp4/writer.hpp"'
  tree a/lib/codec/x.cpp '#include <libavcodec/avcodec.h>
#include "jpeg/decoder.hpp"'
  run_tool 0 "$PYTHON" "$ROOT/scripts/check-includes.py" a
}
