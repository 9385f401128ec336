#pragma once
#include <cstdint>
#include <optional>

#include "base/units.hpp"

namespace campipe::codec {

/// Thins a stream out to a frame rate by capture time: the points of an even grid fall due one after the other, and
/// each takes the frame nearest to it. Times are never changed and no frame is shown twice, so a rate above the
/// source's gives the source's. Jitter below half the distance of the source's frames changes nothing, nor does one
/// late frame (a point may be made up for); over hours nothing drifts; a long gap or a jump of the clock starts the
/// grid anew.
class RateGrid {
public:
  /// @param source  The nominal rate of what comes, 0/1 when unknown: then it is learnt from the times.
  RateGrid(Rational wanted, Rational source);

  /// Whether the frame of this time stays. In the order they are shown.
  bool take(std::int64_t pts_us);

private:
  bool is_due(double since_origin_us) const;
  void learn(std::int64_t step_us);

  Rational wanted_;
  bool source_known_;
  double source_step_us_;
  std::optional<std::int64_t> origin_us_, last_us_;
  std::int64_t next_point_ = 0;
};

}  // namespace campipe::codec
