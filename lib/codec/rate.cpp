#include "codec/rate.hpp"

#include <algorithm>
#include <cmath>

namespace campipe::codec {

namespace {

constexpr double kSecondUs = 1e6;
constexpr std::int64_t kJumpUs = 10'000'000;  // a silence or a jump as long as this: nothing to keep in step with

}  // namespace

RateGrid::RateGrid(Rational wanted, Rational source)
    : wanted_(wanted),
      source_known_(static_cast<bool>(source)),
      source_step_us_(source ? kSecondUs / source.value() : 0) {}

/// A frame up to half of the source's step before a point is the nearest one to it.
bool RateGrid::is_due(double since_origin_us) const {
  const double step = kSecondUs / wanted_.value();
  const double early = std::min(source_step_us_, step) / 2;
  return since_origin_us >= static_cast<double>(next_point_) * step - early;
}

/// The shortest steps seen lately: a lost frame makes one longer, nothing makes one shorter than the source's own.
void RateGrid::learn(std::int64_t step_us) {
  if (source_known_ || step_us <= 0) return;
  const auto step = static_cast<double>(step_us);
  if (source_step_us_ <= 0 || step < source_step_us_) {
    source_step_us_ = step;
  } else {
    source_step_us_ += (std::min(step, 2 * source_step_us_) - source_step_us_) / 16;
  }
}

bool RateGrid::take(std::int64_t pts_us) {
  const bool first = !origin_us_ || std::abs(pts_us - *last_us_) > kJumpUs || pts_us < *last_us_;
  if (!first) learn(pts_us - *last_us_);
  last_us_ = pts_us;
  if (first) {
    origin_us_ = pts_us;
    next_point_ = 1;
    return true;
  }
  const auto since_us = static_cast<double>(pts_us - *origin_us_);
  if (!is_due(since_us)) return false;
  // Points that had no frame are gone; but one frame that came late is no reason for one less.
  const auto passed = static_cast<std::int64_t>(std::floor(since_us * wanted_.value() / kSecondUs));
  next_point_ = (passed > next_point_ + 1 ? passed : next_point_) + 1;
  return true;
}

}  // namespace campipe::codec
