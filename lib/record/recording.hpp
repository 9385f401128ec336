#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "cli/telemetry.hpp"
#include "record/disk_store.hpp"
#include "record/library/recovery.hpp"
#include "record/library/retention.hpp"
#include "record/pace.hpp"
#include "record/packet_queue.hpp"
#include "record/recorder.hpp"
#include "wire/stream/reader.hpp"

namespace campipe::record {

/// All parts of a camera's recording put together: reads a stream to its end and leaves it in files.
///
/// Four threads: the caller's reads the input and waits for the disk only where the input runs ahead of real time; one
/// cuts and writes; one syncs what is open; one finishes, publishes and deletes.
class Recording {
public:
  struct Options {
    std::string root;
    std::string name;
    std::chrono::nanoseconds segment{std::chrono::minutes(10)};
    library::Limits limits;
    std::optional<segment::Container> container;   ///< empty: by the codecs
    Pace::Source source = Pace::Source::measured;  ///< whether the input may be kept waiting
  };

  /// Takes the folder, recovers what an earlier run left open, applies the limits and tells them in one line. Throws
  /// Error as library::CameraFolder does.
  explicit Recording(Options options);
  ~Recording();

  /// How the input is stopped.
  struct Stop {
    std::function<void()> request;  ///< makes reader.next() answer Pull::stopped; any thread
    std::function<bool()> wanted;   ///< by a signal, or requested
  };

  /// Records until the input ends or is stopped. Returns what cli::run takes as exit code: 74 when anything was lost on
  /// the way to the disk, which the last line tells. Throws Error: the input's own, after what came has been finished;
  /// bad_data for a stream that cannot be recorded, or when the input ends without a picture.
  int run(wire::stream::Reader& reader, cli::Telemetry& telemetry, const Stop& stop);

private:
  /// Repairs and reads what is there. @param open  Files of live/ that an earlier run left.
  void take_stock(const std::vector<std::string>& open);
  void announce() const;
  int outcome(wire::stream::Pull last, const wire::stream::Reader& reader, std::size_t unpublished) const;
  [[noreturn]] void fail_without_pictures(const wire::stream::Reader& reader) const;
  wire::stream::Pull read(wire::stream::Reader& reader, cli::Telemetry& telemetry, const Stop& stop);
  PacketQueue::Pushed push(media::Packet packet, cli::Telemetry& telemetry, const Stop& stop);
  void write(cli::Telemetry& telemetry, const Stop& stop);
  bool write_some(const Stop& stop);
  bool wait_for_the_disk(const Stop& stop);
  bool stop_is_overdue(const Stop& stop);
  void take(PacketQueue::Item& item);
  void drain();
  void report(cli::Telemetry& telemetry);
  std::string current_segment() const;

  Options options_;
  library::CameraFolder camera_;
  library::Catalogue catalogue_;
  segment::Index index_;
  library::Publisher publisher_;
  library::Retention retention_;
  std::optional<library::Flusher> flusher_;
  std::optional<library::Housekeeper> housekeeper_;
  std::optional<DiskStore> store_;
  std::optional<Recorder> recorder_;
  PacketQueue queue_;
  Pace pace_;                                // the reading thread's
  std::atomic<bool> input_waits_ = false;    // for room, and would for ever
  std::atomic<bool> disk_given_up_ = false;  // it waited in vain
  bool end_seen_ = false;                    // the writing thread's
  std::optional<std::int64_t> stopping_since_ns_;
  Recorder::Counts reported_;

  mutable std::mutex mutex_;
  std::string current_name_;  // of the open segment
  std::int64_t current_us_ = 0;
  std::uint64_t current_bytes_ = 0;
};

}  // namespace campipe::record
