#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "serve/hub/hub.hpp"

namespace campipe::serve::status {

/// What a server tells about itself.
struct ServerFacts {
  std::string instance;            ///< random, another after each start: pages see a restart by it
  std::int64_t started_at_us = 0;  ///< Unix time
  int http_port = 0;               ///< 0: does not listen
  int rtsp_port = 0;
};

// JSON; what is not known is null.

/// /api/streams: all streams, one object for each rendition and codec.
std::string streams_json(const hub::Hub& hub, const ServerFacts& facts);
/// /api/streams/NAME: the streams that a name means, as one.
/// @param streams  of one name, at least one.
std::string stream_json(const std::vector<hub::Stream*>& streams);
/// /api/clients: all, or those of `streams`.
std::string clients_json(const hub::Hub& hub);
std::string clients_json(const std::vector<hub::Stream*>& streams);
/// /api/clients/ID.
std::string client_json(const hub::Hub& hub, const hub::Client& client);

/// /health: whether there are streams, each that is judged has a fresh frame or is idle, and those required are there;
/// and why not.
struct Health {
  bool good = false;
  std::string json;
};
Health health(const hub::Hub& hub);

/// "source lost 12 s ago: Connection refused", "no frame for 12 s", "no frame yet", "the input ended: …", "nobody
/// watches"; empty while it flows.
std::string why_not_flowing(const hub::Stream& stream);

}  // namespace campipe::serve::status
