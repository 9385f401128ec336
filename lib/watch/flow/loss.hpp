#pragma once
#include <optional>
#include <string>

#include "watch/config/config.hpp"

namespace campipe::watch::flow {

/// What one look at a stage says of its source.
enum class Sight {
  flows,    ///< frames come
  rests,    ///< none come, and none should
  missing,  ///< none come, and some should
  unknown,  ///< there is no process, or it does not tell: what was last seen still holds
};

/// Whether a stage's source is lost: missing for a while. Over all of the stage's processes.
class Loss {
public:
  enum class Event { none, lost, recovered };

  /// @param since       when it went missing, where that is known to be before `now`
  /// @param lost_after  0 = never
  /// @param tells       Its losses are news; else another stage's are, which it only feels.
  /// Answers `lost` once for each loss, and `recovered` when frames flow again after a loss or failure that was told.
  Event look(Sight sight, config::Duration now, config::Duration lost_after, bool tells,
             std::optional<config::Duration> since = {}) noexcept;

  /// Something else was told that frames put right: failed runs.
  void told(config::Duration now) noexcept;

  /// The watcher itself was held up: the time in which it did not look does not count.
  void held_up(config::Duration now) noexcept;

  /// It was stopped on purpose.
  void forget() noexcept { *this = {}; }

  bool lost() const noexcept { return lost_; }
  /// When it was first missing; of the last loss in the moment of `recovered`. 0 = never.
  config::Duration since() const noexcept { return since_; }

private:
  config::Duration since_{0};
  bool missing_ = false, lost_ = false, told_ = false;
};

}  // namespace campipe::watch::flow
