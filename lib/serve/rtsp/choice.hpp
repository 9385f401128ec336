#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "serve/hub/hub.hpp"
#include "serve/rtsp/url.hpp"

namespace campipe::serve::rtsp {

/// Which stream a request means.
struct Choice {
  enum class Kind {
    found,
    waiting,  ///< what is needed to describe it may still come; `stream` is what can be had meanwhile, if anything
    unknown,  ///< no such stream, codec, or it has ended
    refused,  ///< RTP cannot carry it
  };
  Kind kind = Kind::unknown;
  hub::Stream* stream = nullptr;
  std::string reason;                 ///< in words, for all but `found`
  std::vector<hub::Stream*> awaited;  ///< whose frames are needed for it, while `waiting`
};

/// Of the streams of that name in the first (or the wanted) rendition: the wanted codec, else H.264, H.265, JPEG in
/// this order.
/// @param max_payload  of RTP, in bytes.
Choice choose_stream(const hub::Hub& hub, const Target& target, std::size_t max_payload);

}  // namespace campipe::serve::rtsp
