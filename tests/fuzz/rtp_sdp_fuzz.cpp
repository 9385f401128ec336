// Session descriptions of formats that a source may claim: whatever it says, each line is one attribute, and short
// enough for players. The first two bytes choose codecs and rate, the third where the parameter sets end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "rtp/sdp.hpp"

namespace {

using namespace campipe;

constexpr std::size_t kLongestLine = 16'000;  // FFmpeg reads lines of 16 KiB

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view sdp) {
  require(sdp.starts_with("v=0\r\n"));
  while (!sdp.empty()) {
    const std::size_t end = sdp.find("\r\n");
    require(end != std::string_view::npos && end <= kLongestLine);
    const std::string_view line = sdp.substr(0, end);
    require(line.size() > 2 && line[0] >= 'a' && line[0] <= 'z' && line[1] == '=');
    for (const char c : line) require(c >= ' ' && c <= '~');
    sdp.remove_prefix(end + 2);
  }
}

std::int64_t number(std::span<const std::byte> bytes) {
  std::int64_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::int64_t>(byte);
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHead = 16;
  if (size < kHead) return 0;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto rest = bytes.subspan(kHead);
  const std::size_t sets = rest.size() * data[2] / 255;

  media::VideoFormat video;
  video.codec = static_cast<media::VideoCodec>(1 + data[0] % 3);
  video.size = {static_cast<int>(number(bytes.subspan(3, 2))), static_cast<int>(number(bytes.subspan(3, 2)))};
  video.frame_rate = {number(bytes.subspan(4, 4)), number(bytes.subspan(8, 4))};
  video.parameter_sets.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(sets));

  media::AudioFormat audio;
  audio.codec = static_cast<media::AudioCodec>(data[1] % 6);
  audio.sample_rate_hz = static_cast<int>(number(bytes.subspan(12, 3)));
  audio.channels = data[15];
  audio.extradata.assign(rest.begin() + static_cast<std::ptrdiff_t>(sets), rest.end());

  rtp::SessionDescription session{.id = data[3], .version = data[4], .name = "cam/low"};
  session.tracks.push_back(rtp::describe_track(video));
  if (rtp::is_supported(audio)) session.tracks.push_back(rtp::describe_track(audio));
  check(rtp::make_sdp(session));
  return 0;
}
