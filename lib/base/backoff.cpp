#include "base/backoff.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace campipe {

Backoff::Millis Backoff::next() {
  const Millis full = next_;
  next_ = std::min(max_, next_ * 2);
  const auto half = full.count() / 2;
  return Millis(full.count() - half + (half > 0 ? static_cast<std::int64_t>(random_u32()) % (half + 1) : 0));
}

}  // namespace campipe
