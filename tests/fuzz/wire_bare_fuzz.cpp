// Recognition and the readers of bare formats. The first byte chooses the format, the rest is the input.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "wire/make_reader.hpp"
#include "wire/stream/reader.hpp"

using namespace campipe;

namespace {

Fd file_of(std::span<const std::byte> bytes) {
  Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  if (!fd || write_all(fd.get(), bytes) != 0) std::abort();
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

void read(const char* format, std::span<const std::byte> bytes) {
  wire::stream::ReadOptions options;
  options.input_format = format;
  const auto reader = wire::make_reader(file_of(bytes), "fuzz", options);
  std::int64_t last_us = 0;
  for (wire::stream::Pull pull = reader->next(); pull != wire::stream::Pull::end; pull = reader->next()) {
    if (pull != wire::stream::Pull::packet || reader->packet().track != media::Track::video) continue;
    const media::Packet& packet = reader->packet();
    if (packet.payload.empty()) std::abort();
    if (packet.captured_ns && packet.pts_us <= last_us) std::abort();  // bare formats: times increase
    if (packet.captured_ns) last_us = packet.pts_us;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  log::init({.tool = "fuzz", .level = log::Level::error});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array kFormats{"", "mjpeg", "h264", "h265", "y4m", "rawvideo:gray:16x8@30"};
  if (size == 0) return 0;
  try {
    read(kFormats[data[0] % kFormats.size()], std::as_bytes(std::span(data + 1, size - 1)));
  } catch (const Error&) {
  }
  return 0;
}
