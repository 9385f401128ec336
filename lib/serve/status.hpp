#pragma once
#include <cstdint>
#include <string>

#include "serve/hub.hpp"

namespace campipe::serve {

/// What a server tells about itself.
struct ServerFacts {
  std::string instance;            ///< random, another after each start: pages see a restart by it
  std::int64_t started_at_us = 0;  ///< Unix time
  int http_port = 0;               ///< 0: does not listen
  int rtsp_port = 0;
};

/// /api/streams, /api/clients: JSON. Numbers that are not known are null.
std::string streams_json(const Hub& hub, const ServerFacts& facts);
std::string clients_json(const Hub& hub);

/// /health: whether there are streams and each has a fresh frame or is idle, and a line for each that has not and for
/// each pattern that no ring's name matches.
struct Health {
  bool good = false;
  std::string text;
};
Health health(const Hub& hub);

/// "no frame for 12 s", "no frame yet", "the input ended: …", "nobody watches"; empty while it flows.
std::string why_not_flowing(const Stream& stream);

}  // namespace campipe::serve
