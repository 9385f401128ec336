#include "wire/recognise.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "wire/nut/bytes.hpp"
#include "wire/nut/constants.hpp"

namespace campipe::wire {

namespace {

using namespace std::string_view_literals;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool has_start_code(std::string_view text) {
  for (const std::uint64_t code : {nut::kMainStart, nut::kSyncStart}) {
    nut::ByteWriter sought;
    sought.fixed(code, 8);
    if (text.find(text_of(sought.bytes())) != std::string_view::npos) return true;
  }
  return false;
}

/// Printable with line ends: somebody's text. (Dark pictures may be printable too, but have no line ends only.)
bool is_text(std::string_view text) {
  const auto is_letter = [](char letter) {
    const auto code = static_cast<unsigned char>(letter);
    return code >= 0x80 || std::isprint(code) != 0 || letter == '\n' || letter == '\r' || letter == '\t';
  };
  return text.find('\n') != std::string_view::npos && std::ranges::all_of(text, is_letter) &&
         std::ranges::count_if(text, [](char letter) { return static_cast<unsigned char>(letter) >= 0x80; }) * 4 <
             static_cast<std::ptrdiff_t>(text.size());
}

/// Types of NAL units that begin a stream, by the first byte of their header (H.264, 7.3.1; H.265, 7.3.1.2).
std::optional<Kind> annex_b_kind(std::string_view text) {
  const std::size_t zeros = text.starts_with("\0\0\0\1"sv) ? 3 : text.starts_with("\0\0\1"sv) ? 2 : 0;
  if (zeros == 0 || text.size() < zeros + 3) return std::nullopt;
  const auto first = static_cast<unsigned char>(text[zeros + 1]);
  const auto second = static_cast<unsigned char>(text[zeros + 2]);
  // H.265: VPS, SPS, PPS, AUD, prefix SEI or an intra slice, layer 0, temporal id 1.
  constexpr std::array kH265{0x40, 0x42, 0x44, 0x46, 0x4E, 0x26, 0x28, 0x2A};
  if (second == 1 && std::ranges::find(kH265, first) != kH265.end()) return Kind::h265;
  // H.264: slice, IDR, SEI, SPS, PPS, AUD.
  constexpr std::array kH264{0x21, 0x41, 0x61, 0x25, 0x45, 0x65, 0x06, 0x27, 0x47, 0x67, 0x28, 0x48, 0x68, 0x09};
  if (std::ranges::find(kH264, first) != kH264.end()) return Kind::h264;
  return std::nullopt;
}

std::string_view container_name(std::string_view text) {
  if (text.size() >= 8 && text.substr(4, 4) == "ftyp") return "an MP4 file: camgrab reads those";
  if (text.starts_with("\x1A\x45\xDF\xA3")) return "a Matroska file: camgrab reads those";
  if (text.starts_with("RIFF")) return "a RIFF file: camgrab reads those";
  if (text.size() > 188 && text[0] == 'G' && text[188] == 'G') return "an MPEG transport stream: camgrab reads those";
  if (text.starts_with("\x89PNG")) return "a PNG image";
  return "";
}

}  // namespace

Recognised recognise(std::span<const std::byte> bytes, bool all) {
  constexpr std::size_t kEnough = 16;
  constexpr std::size_t kTextEnough = 512;
  const std::string_view text = text_of(bytes);
  if (text.starts_with(nut::kFileId) || has_start_code(text)) return {Guess::certain, Kind::nut};
  if (text.starts_with("\xFF\xD8\xFF")) return {Guess::certain, Kind::mjpeg};
  if (text.starts_with("YUV4MPEG2 ")) return {Guess::certain, Kind::y4m};
  if (const auto kind = annex_b_kind(text)) return {Guess::certain, *kind};
  if (all) return {Guess::unknown};
  if (text.size() >= kTextEnough && is_text(text)) return {Guess::unknown};
  if (text.size() >= kEnough && !container_name(text).empty()) return {Guess::unknown};
  return {Guess::need_more};
}

Recognised recognise_joined(std::span<const std::byte> bytes) {
  return {has_start_code(text_of(bytes)) ? Guess::certain : Guess::need_more, Kind::nut};
}

std::string describe_start(std::span<const std::byte> bytes) {
  constexpr std::size_t kShown = 16;
  const std::string_view all = text_of(bytes);
  const std::string_view text = all.substr(0, kShown);
  std::string shown;
  if (std::ranges::all_of(
          text, [](char letter) { return std::isprint(static_cast<unsigned char>(letter)) != 0 || letter == '\n'; })) {
    shown = fmt::format("\"{}\"", text.substr(0, text.find('\n')));
  } else {
    for (const char letter : text)
      shown += fmt::format("{}{:02x}", shown.empty() ? "" : " ", static_cast<unsigned char>(letter));
  }
  const auto name = container_name(all);
  return name.empty() ? shown : fmt::format("{}, {}", shown, name);
}

}  // namespace campipe::wire
