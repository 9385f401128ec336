#include "serve/hub/hub.hpp"

#include <algorithm>

namespace campipe::serve::hub {

Hub::Hub(History::Limits limits, Stream::Clock clock) : limits_(limits), clock_(std::move(clock)) {}

Stream& Hub::add_stream(std::string name, std::string rendition) {
  auto added = std::make_shared<Stream>(std::move(name), std::move(rendition), limits_, clock_);
  for (const auto& other : streams_) {
    if (other->name() != added->name()) continue;
    other->add_namesake(*added, false);
    added->add_namesake(*other, true);
  }
  return *streams_.emplace_back(std::move(added));
}

void Hub::remove(Stream& stream, std::string reason) {
  const std::shared_ptr<Stream> kept = stream.shared_from_this();
  stream.end(std::move(reason));
  std::erase(streams_, kept);
  for (const auto& other : streams_) {
    other->remove_namesake(stream);
    stream.remove_namesake(*other);
  }
}

std::vector<Stream*> Hub::find(std::string_view name, std::string_view rendition) const {
  std::vector<Stream*> first, others;
  for (const auto& stream : streams_) {
    if (stream->name() != name || (!rendition.empty() && stream->rendition() != rendition)) continue;
    const bool as_first = first.empty() || stream->rendition() == first.front()->rendition();
    (as_first ? first : others).push_back(stream.get());
  }
  first.insert(first.end(), others.begin(), others.end());
  return first;
}

Stream* Hub::find(std::string_view name, std::string_view rendition, media::VideoCodec codec) const {
  for (Stream* stream : find(name, rendition)) {
    if (stream->has_codec(codec)) return stream;
  }
  return nullptr;
}

Client* Hub::find_client(std::uint64_t id) const {
  for (const auto& stream : streams_) {
    for (Client* client : stream->clients()) {
      if (client != nullptr && client->id() == id) return client;
    }
  }
  return nullptr;
}

std::vector<std::string> Hub::names() const {
  std::vector<std::string> names;
  for (const auto& stream : streams_) {
    if (std::ranges::find(names, stream->name()) == names.end()) names.push_back(stream->name());
  }
  return names;
}

std::string Hub::offer() const {
  std::vector<std::string> paths;
  for (const auto& stream : streams_) {
    if (std::ranges::find(paths, stream->path()) == paths.end()) paths.push_back(stream->path());
  }
  std::string text;
  for (const std::string& path : paths) text += (text.empty() ? "" : ", ") + path;
  return text.empty() ? "none yet" : text;
}

}  // namespace campipe::serve::hub
