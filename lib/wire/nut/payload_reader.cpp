#include "wire/nut/payload_reader.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string_view>

#include "base/clock.hpp"
#include "base/crc32c.hpp"
#include "wire/nut/constants.hpp"

namespace campipe::wire::nut {

namespace {

constexpr std::size_t kFirstBytes = 64 << 10;   // allocated for a claim that nothing supports yet
constexpr std::size_t kMostPooled = 64U << 20;  // bigger buffers are not kept

/// Looks for the file id of another stream in a payload as it grows.
class Watch {
public:
  bool on() const noexcept { return on_; }
  void look_when_slow(bool stalled) noexcept {
    constexpr std::int64_t kSlowNs = 250'000'000;
    on_ = on_ || stalled || monotonic_ns() - since_ns_ > kSlowNs;
  }
  /// Where the id begins in `bytes`, of which those it saw before need no second look.
  std::optional<std::size_t> find(std::span<const std::byte> bytes) noexcept {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::size_t at = text.find(nut::kFileId, seen_);
    seen_ = bytes.size() < nut::kFileId.size() ? 0 : bytes.size() - nut::kFileId.size() + 1;
    return at == std::string_view::npos ? std::nullopt : std::optional(at);
  }

private:
  std::int64_t since_ns_ = monotonic_ns();
  std::size_t seen_ = 0;
  bool on_ = false;
};

std::atomic<std::uint64_t> stall_count{0};

}  // namespace

std::uint64_t stalls() noexcept {
  return stall_count.load(std::memory_order_acquire);
}

bool crc_holds(std::span<const std::byte> bytes, const std::optional<std::uint32_t>& crc) noexcept {
  return !crc || crc32c(bytes.last(std::min(bytes.size(), nut::kCrcBytes))) == *crc;
}

std::shared_ptr<media::Buffer> PayloadReader::buffer_for(const Want& want, std::size_t bytes) {
  if (want.pooled && want.size <= kMostPooled) return pool_.get(bytes);
  auto buffer = std::make_shared<media::Buffer>();
  buffer->resize(bytes);
  return buffer;
}

PayloadReader::Result PayloadReader::read(stream::ByteInput& input, const Want& want, media::Payload& payload) {
  const auto window = input.window();
  const std::size_t have = std::min(window.size(), want.size);
  if (have == want.size && !crc_holds(window.first(have), want.crc)) return Result::damaged;
  const std::size_t prefix = want.prefix.size();
  const std::size_t sure = std::min(want.size, std::max({have, proven_, kFirstBytes}));
  auto buffer = buffer_for(want, prefix + sure);
  if (prefix > 0) std::memcpy(buffer->data(), want.prefix.data(), prefix);
  if (have > 0) std::memcpy(buffer->data() + prefix, window.data(), have);
  input.consume(have);
  if (have < want.size) {
    const Result result = read_rest(input, want, *buffer, prefix + have);
    if (result != Result::complete) return result;
  }
  proven_ = std::max(proven_, want.size);
  payload = media::BufferPool::seal(std::move(buffer));
  return Result::complete;
}

PayloadReader::Result PayloadReader::read_rest(stream::ByteInput& input, const Want& want, media::Buffer& buffer,
                                               std::size_t have) {
  constexpr int kStallMs = 50;
  const std::size_t prefix = want.prefix.size();
  const std::size_t all = prefix + want.size;
  const auto put_back = [&](std::size_t skip) {
    input.replay(std::move(buffer), have);
    input.consume(prefix + skip);
    return Result::damaged;
  };
  Watch watch;
  while (have < all) {
    if (have == buffer.size()) buffer.resize(std::min(all, 2 * have));
    std::size_t count = 0;
    const auto to = buffer.bytes().subspan(have);
    const auto got = watch.on() || !want.watch ? input.read_into(to, count) : input.read_into(to, count, kStallMs);
    have += count;
    if (got == stream::ByteInput::Got::stopped) return Result::stopped;
    if (got == stream::ByteInput::Got::end) return put_back(0), Result::end;
    if (!want.watch) continue;
    if (count == 0) stall_count.fetch_add(1, std::memory_order_release);
    watch.look_when_slow(count == 0);
    if (!watch.on()) continue;
    if (const auto at = watch.find(buffer.bytes().subspan(prefix, have - prefix))) return put_back(*at);
  }
  return crc_holds(buffer.bytes().subspan(prefix), want.crc) ? Result::complete : put_back(0);
}

}  // namespace campipe::wire::nut
