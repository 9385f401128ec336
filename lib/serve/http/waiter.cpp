#include "serve/http/waiter.hpp"

#include "base/clock.hpp"

namespace campipe::serve::http {

Waiter::Waiter(const std::vector<hub::Stream*>& streams, std::string peer, std::int64_t deadline_ms, Attempt attempt)
    : peer_(std::move(peer)), connected_at_us_(realtime_us()), deadline_ms_(deadline_ms), attempt_(std::move(attempt)) {
  for (hub::Stream* stream : streams) attachments_.emplace_back(*stream, *this);
}

void Waiter::tick(std::int64_t now_ms) {
  if (now_ms >= deadline_ms_) attempt(true);
}

void Waiter::attempt(bool last) {
  if (done_ || !attempt_(last)) return;
  done_ = true;
  attachments_.clear();
}

}  // namespace campipe::serve::http
