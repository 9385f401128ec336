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
  tree c/lib/wire/open.cpp '#include "ffmpeg/raii.hpp"'
  tree d/lib/media/x.cpp '#include <libavcodec/avcodec.h>'
  tree e/lib/media/x.cpp '#include "format.hpp"'
  tree f/lib/unheard/x.cpp '#include <vector>'
  tree g/lib/codec/x.cpp '#include "capture/source.hpp"'
  tree h/lib/serve/server.cpp '  #  include "jpeg/decoder.hpp"'
  tree i/lib/serve/server.cpp '#include "../media/format.hpp"'
  tree j/lib/record/recording.cpp 'extern "C" {
#include <libswscale/swscale.h>
}'
  tree k/lib/cli/detail/x.cpp '#include "wire/reader.hpp"'
  for wrong in a b c d e g h i j k; do
    run_tool 1 "$PYTHON" "$ROOT/scripts/check-includes.py" "$wrong"
    assert_contains "$output" ".cpp:"
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

@test "check-includes refuses arrows upwards and sideways between the rooms of a library" {
  tree a/lib/serve/rtsp/x.hpp 'namespace campipe::serve::rtsp {}'
  tree a/lib/serve/rtsp/x.cpp '#include "serve/http/routes.hpp"
namespace campipe::serve::rtsp {
}'
  tree b/lib/serve/hub/x.cpp '#include "serve/input/input.hpp"
namespace campipe::serve::hub {
}'
  tree c/lib/serve/rtp/x.cpp '#include "serve/rtsp/server.hpp"
namespace campipe::serve::rtp {
}'
  tree d/lib/wire/nut/x.cpp '#include "wire/open.hpp"
namespace campipe::wire::nut {
}'
  tree e/lib/ring/read/x.cpp '#include "ring/write/writer.hpp"
namespace campipe::ring::read {
}'
  tree f/lib/watch/flow/x.cpp '#include <yaml-cpp/yaml.h>
namespace campipe::watch::flow {
}'
  for wrong in a b c d e f; do
    run_tool 1 "$PYTHON" "$ROOT/scripts/check-includes.py" "$wrong"
    assert_contains "$output" "x.cpp:1: "
  done
}

@test "check-includes refuses a folder, a room or a folder of tests that has no place" {
  tree a/lib/unheard/x.cpp '#include <vector>'
  tree b/lib/serve/unheard/x.cpp '#include <vector>'
  tree c/lib/serve/unheard.cpp '#include <vector>'
  for wrong in a b c; do
    run_tool 1 "$PYTHON" "$ROOT/scripts/check-includes.py" "$wrong"
    assert_contains "$output" "has no floor"
  done
  tree d/tests/unit/serve/unheard/x_test.cpp '#include <vector>'
  run_tool 1 "$PYTHON" "$ROOT/scripts/check-includes.py" d
  assert_equal "$output" "tests/unit/serve/unheard: lib/ has no such folder"
}

@test "check-includes wants the namespace of the folder" {
  tree a/lib/serve/rtp/x.hpp 'namespace campipe::serve {
}'
  run_tool 1 "$PYTHON" "$ROOT/scripts/check-includes.py" a
  assert_equal "$output" "lib/serve/rtp/x.hpp: opens no namespace campipe::serve::rtp"
}

@test "the picture in architecture.md is what check-includes prints" {
  sed -n '/<!-- floors -->/,/<!-- \/floors -->/p' "$ROOT/docs/architecture.md" | sed '/^<!--/d; /^```/d' >drawn
  "$PYTHON" "$ROOT/scripts/check-includes.py" --picture >printed
  run_tool 0 diff drawn printed
}

@test "check-includes accepts arrows downwards" {
  tree a/lib/serve/server.cpp '#include "rtp/sdp.hpp"
#include "serve/hub/hub.hpp"
#include <uv.h>'
  tree a/lib/serve/whep/x.cpp '#include "serve/rtp/session.hpp"
namespace campipe::serve::whep {
}'
  tree a/lib/record/recording.cpp '#include "ffmpeg/raii.hpp"
#include "mp4/writer.hpp"'
  tree a/lib/codec/x.cpp '#include <libavcodec/avcodec.h>
#include "jpeg/decoder.hpp"'
  run_tool 0 "$PYTHON" "$ROOT/scripts/check-includes.py" a
}
