// The NUT reader over arbitrary bytes. The mutator puts the checksums right again in most inputs: behind wrong ones
// there is little to find.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "wire/make_reader.hpp"
#include "wire/nut/headers.hpp"
#include "wire/stream/reader.hpp"

using namespace campipe;

namespace {

Fd file_of(std::span<const std::byte> bytes) {
  Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  if (!fd || write_all(fd.get(), bytes) != 0) std::abort();
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

/// What holds for every packet, whatever the input.
void check(const media::StreamFormat& format, const media::Packet& packet) {
  if (packet.payload.empty()) std::abort();
  if (packet.track == media::Track::video && format.video.codec == media::VideoCodec::raw &&
      packet.payload.size() != media::picture_bytes(format.video.pixel_format, format.video.size)) {
    std::abort();
  }
  volatile std::byte last = packet.payload.bytes().back();
  static_cast<void>(last);
}

void read(std::span<const std::byte> bytes) {
  wire::stream::ReadOptions options;
  options.input_format = "nut";
  const auto reader = wire::make_reader(file_of(bytes), "fuzz", options);
  for (wire::stream::Pull pull = reader->next(); pull != wire::stream::Pull::end; pull = reader->next()) {
    if (pull == wire::stream::Pull::packet) check(reader->format(), reader->packet());
  }
}

void put32(std::span<std::uint8_t> at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

/// Walks the items of a stream and corrects their checksums in place.
class Repair {
public:
  explicit Repair(std::span<std::uint8_t> bytes) : bytes_(bytes) {}

  void run() {
    std::size_t at = 0;
    while (at < bytes_.size()) at += std::max<std::size_t>(bytes_[at] == 'N' ? packet(at) : frame(at), 1);
  }

private:
  std::span<const std::byte> view(std::size_t at) const { return std::as_bytes(bytes_).subspan(at); }

  std::size_t packet(std::size_t at) {
    wire::nut::ByteReader in(view(at));
    const std::uint64_t start = in.fixed(8);
    const std::uint64_t length = in.v();
    if (!in.ok() || length < 4) return 0;
    if (length > 4096) {
      if (in.rest().size() < 4) return 0;
      put32(bytes_.subspan(at + in.position()), wire::nut::checksum(view(at).first(in.position())));
      in.skip(4);
    }
    if (in.rest().size() < length) return 0;
    const auto body = in.rest().first(length - 4);
    put32(bytes_.subspan(at + in.position() + length - 4), wire::nut::checksum(body));
    if (start == wire::nut::kMainStart) main_ = wire::nut::parse_main(body);
    return in.position() + length;
  }

  std::size_t frame(std::size_t at) {
    if (!main_) return 0;
    const bool checked = (main_->codes[bytes_[at]].flags & wire::nut::kChecksum) != 0;
    wire::nut::MainHeader unchecked = *main_;
    unchecked.codes[bytes_[at]].flags &= ~unsigned{wire::nut::kChecksum};
    wire::nut::FrameHead head;
    if (wire::nut::parse_frame_head(view(at), unchecked, head) != wire::nut::HeadResult::ok) return 0;
    if (!checked) return head.bytes + head.size;
    if (bytes_.size() - at < head.bytes + 4) return 0;
    put32(bytes_.subspan(at + head.bytes), wire::nut::checksum(view(at).first(head.bytes)));
    return head.bytes + 4 + head.size;
  }

  std::span<std::uint8_t> bytes_;
  std::optional<wire::nut::MainHeader> main_;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  log::init({.tool = "fuzz", .level = log::Level::error});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read(std::as_bytes(std::span(data, size)));
  } catch (const Error&) {  // no stream of ours: an answer too
  }
  return 0;
}

#ifdef __clang__
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size)
    __attribute__((weak));

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (LLVMFuzzerMutate == nullptr) return size;
  const std::size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 != 0) Repair(std::span(data, mutated)).run();
  return mutated;
}
#endif
