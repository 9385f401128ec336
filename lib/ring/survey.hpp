#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/source_status.hpp"
#include "ring/layout/format.hpp"

namespace campipe::ring {

/// What can be said of a ring from outside, without being a reader of it.
struct Survey {
  struct Reader {
    std::uint32_t seat = 0;
    std::uint32_t pid = 0;
    std::string command;  ///< control bytes and what is no UTF-8 replaced
    bool wants = false, newest = false, leases = false;
    std::uint64_t last_seq = 0, lost = 0;
    std::int64_t since_us = 0;  ///< Unix time
  };

  std::string name;
  layout::Kind kind = layout::Kind::raw;
  std::string state;  ///< "live", "no writer", "closed", "retired"
  std::optional<layout::Format> format;
  std::uint64_t memory_bytes = 0;  ///< of both objects
  std::uint32_t slots = 0;         ///< raw: slots
  std::uint32_t leased = 0;        ///< raw: slots somebody holds
  std::uint64_t arena_bytes = 0;   ///< coded
  std::uint64_t head = 0, oldest = 0;
  std::uint64_t units = 0, bytes = 0, dropped = 0;
  std::uint32_t epoch = 0;
  double frames_per_second = 0;  ///< of the newest units in the ring; 0 = cannot be told
  std::optional<double> age_s;   ///< of the newest unit
  std::uint32_t writer_pid = 0;  ///< 0 = no writer
  std::string writer_command;
  std::int64_t writer_since_us = 0;
  SourceStatus source;  ///< what the writer says of its source
  std::uint32_t uid = 0, mode = 0;
  bool other_readers = false;  ///< somebody without write access to the control object reads
  std::vector<Reader> readers;
};

/// Throws Error: no_input when there is no such ring, permission, bad_data.
Survey survey(const std::string& name);

/// Takes a ring away. Throws Error: no_input when there is none, try_again when a writer lives and `force` is not set.
void remove(const std::string& name, bool force);

}  // namespace campipe::ring
