#pragma once
#include <optional>
#include <string>
#include <vector>

#include "wire/nut/headers.hpp"

namespace campipe::wire::nut {

/// One group of headers as it comes in: main, streams, info.
struct HeaderGroup {
  MainHeader main;
  std::vector<std::optional<StreamHeader>> streams;
  Info info;
  bool complete() const;
};

/// What a header group means to us.
struct Layout {
  MainHeader main;
  std::vector<StreamHeader> streams;
  std::size_t video = 0;             ///< stream id
  std::optional<std::size_t> audio;  ///< stream id
  media::StreamFormat format;
  int nal_length_bytes = 0;  ///< H.264 and H.265 behind lengths (avcC, hvcC); 0 = Annex B
};

/// Throws Error(bad_data) that begins with `name` when there is no video or in a codec that campipe does not know.
/// Audio of an unknown codec is left out with a warning.
Layout make_layout(const HeaderGroup& group, const std::string& name);

}  // namespace campipe::wire::nut
