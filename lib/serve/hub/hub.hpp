#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "serve/hub/stream.hpp"

namespace campipe::serve::hub {

/// All streams of a server, and what is counted over all its clients. Knows no socket and no thread: inputs put packets
/// in, clients of every protocol follow with cursors. For the loop's thread; outlives all clients.
class Hub {
public:
  explicit Hub(History::Limits limits = {}, Stream::Clock clock = monotonic_ns);

  /// A stream for one input. The same name and rendition again is another codec of it. They stay in the order given,
  /// which also says whose audio those of a name have that have none (Stream).
  Stream& add_stream(std::string name, std::string rendition);
  /// Ends a stream and takes it off the list; its clients may go on with what they have. Not from a Client's call.
  void remove(Stream& stream, std::string reason);
  const std::vector<std::shared_ptr<Stream>>& streams() const noexcept { return streams_; }
  std::int64_t now_ns() const { return clock_(); }  ///< the clock that the streams have

  /// The streams that NAME or NAME/RENDITION means, in the order given; without a rendition those of the name's first
  /// rendition come first. Empty: no such name or rendition.
  std::vector<Stream*> find(std::string_view name, std::string_view rendition) const;
  /// The first of find() in `codec`; nullptr when there is none.
  Stream* find(std::string_view name, std::string_view rendition, media::VideoCodec codec) const;

  /// NAMEs in the order given, each once; for messages that say what there is.
  std::vector<std::string> names() const;
  /// "cam, garden/hd, garden/low": what a 404 offers; "none yet".
  std::string offer() const;

  /// The client of that Client::id(), nullptr when it has gone.
  Client* find_client(std::uint64_t id) const;

  /// What inputs are looked for and not there: patterns of rings' names, for /health.
  void set_unmatched(std::vector<std::string> patterns) { unmatched_ = std::move(patterns); }
  const std::vector<std::string>& unmatched() const noexcept { return unmatched_; }

  /// Names that have to be there for /health, whoever brings them.
  void set_required(std::vector<std::string> names) { required_ = std::move(names); }
  const std::vector<std::string>& required() const noexcept { return required_; }

  /// Counts one more of what /metrics shows as campipe_KEY: `clients_closed_total{protocol="rtsp",reason="stuck"}`.
  void count(const std::string& key, std::uint64_t n = 1) { counters_[key] += n; }
  const std::map<std::string, std::uint64_t>& counters() const noexcept { return counters_; }

private:
  History::Limits limits_;
  Stream::Clock clock_;
  std::vector<std::shared_ptr<Stream>> streams_;
  std::vector<std::string> unmatched_, required_;
  std::map<std::string, std::uint64_t> counters_;
};

}  // namespace campipe::serve::hub
