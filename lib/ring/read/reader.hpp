#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/source_status.hpp"
#include "ring/layout/format.hpp"
#include "ring/layout/unit.hpp"

namespace campipe::ring::read {

enum class Delivery {
  in_order,  ///< every unit, as long as the ring still has it; Unit::lost tells what it had not
  /// In order until what is next is about to leave the ring, then on with the newest: for what works on each picture
  /// and must not be late for ever. Of coded video as in_order.
  live,
  newest,  ///< the newest picture there is; of inter-coded video: in order, but from the newest keyframe when behind
};

enum class Event {
  format,       ///< format() is new: before the first unit, maybe long before, and at each change
  unit,         ///< unit() is there
  source,       ///< source() is new
  timeout,      ///< nothing came
  interrupted,  ///< interrupt() was called
};

/// How a reader stands with its ring.
enum class Link {
  no_ring,    ///< nobody has made a ring of that name yet
  no_writer,  ///< the ring is there, its writer is not
  live,
};

/// One reader of a ring. Never holds the writer up. The ring need not be there yet, its writer may come and go: the
/// reader follows the name. One thread, but for interrupt() and what owners of units do.
///
/// Everything in the ring is distrusted: what is damaged is not delivered, and a ring that is no ring of ours, or of
/// another version, is refused.
class Reader {
public:
  struct Options {
    std::string name;  ///< without "shm:"
    Delivery delivery = Delivery::in_order;
    std::uint32_t leases = 1;  ///< raw: units held at a time without a copy; 0 = always copies
    bool want = true;          ///< set_want() at the start
    bool skip_stale = true;    ///< of a ring whose writer is gone or resting, begin with what comes next
  };

  /// Throws Error(usage) for a name that cannot be; permission when the ring is there and may not be read; bad_data
  /// when it is no ring of this version.
  explicit Reader(Options options);
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  /// Waits for what comes next. @param timeout_ms  -1 waits without a limit.
  /// Throws as the constructor does, when a ring comes that cannot be read.
  Event next(int timeout_ms);

  const layout::Format& format() const noexcept;  ///< after Event::format
  layout::Unit& unit() noexcept;                  ///< after Event::unit, until next(); may be moved from

  void interrupt() noexcept;  ///< any thread: the next() under way, or the next one, answers interrupted
  void set_want(bool want) noexcept;
  /// Asks the writer for a keyframe; it may take a second. Without write access it does nothing.
  void request_keyframe() noexcept;

  Link link();  ///< as of the last next()

  /// What the writer says of its source, after Event::source: at first, at each change, and when another ring or writer
  /// comes. Unknown from a writer that does not tell.
  const SourceStatus& source() const noexcept;
  /// How often the writer has begun to rest; frames that a rest did not make are not lost.
  std::uint32_t rests() const noexcept;

  struct Stats {
    std::uint64_t units = 0, lost = 0, copied = 0, damaged = 0, reopened = 0;
  };
  const Stats& stats() const noexcept;
  const std::string& name() const noexcept;

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campipe::ring::read
