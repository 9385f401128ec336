#include <unistd.h>

#include "base/clock.hpp"
#include "ring/read/reader.hpp"
#include "ring/write/writer.hpp"
#include "transport.hpp"

namespace campipe::bench {

namespace {

class RingSender final : public Sender {
public:
  RingSender(const std::string& name, const Transport::Options& options, bool in_place)
      : writer_({.name = name, .slots = options.slots}),
        sources_(in_place ? 0 : options.picture.bytes()),
        bytes_(options.picture.bytes()),
        in_place_(in_place) {
    writer_.set_format({.pixel_format = "yuv420p",
                        .width_px = options.picture.width_px,
                        .height_px = options.picture.height_px,
                        .rate_num = 60});
    send({});  // so that there is a ring
  }

  void send(Stamp stamp) override {
    auto room = in_place_ ? writer_.room(bytes_) : std::nullopt;
    if (in_place_ && !room) {
      ++no_room_;
      return;
    }
    const std::span<std::byte> picture = room ? room->bytes : sources_.next();
    stamp.sent_ns = monotonic_ns();
    put(stamp, picture);
    writer_.publish({.pts_us = stamp.sent_ns / 1000, .flags = ring::layout::kKeyframe}, picture);
  }

  Counts counts() const override {
    return {.dropped = writer_.stats().dropped + no_room_, .in_place = writer_.stats().in_place};
  }

private:
  ring::write::Writer writer_;
  SourcePictures sources_;
  std::size_t bytes_;
  bool in_place_;
  std::uint64_t no_room_ = 0;
};

class RingReceiver final : public Receiver {
public:
  RingReceiver(const std::string& name, std::uint32_t leases) : reader_({.name = name, .leases = leases}) {}

  std::optional<std::span<const std::byte>> receive() override {
    for (;;) {
      switch (reader_.next(kPatienceMs)) {
        case ring::read::Event::unit:
          return reader_.unit().bytes;
        case ring::read::Event::format:
        case ring::read::Event::source:
        case ring::read::Event::interrupted:
          continue;
        case ring::read::Event::timeout:
          return std::nullopt;
      }
    }
  }

  Counts counts() const override { return {.copied = reader_.stats().copied}; }

private:
  ring::read::Reader reader_;
};

class RingTransport final : public Transport {
public:
  RingTransport(const std::string& variant, const Options& options)
      : options_(options),
        name_("bench" + std::to_string(::getpid()) + ".raw"),
        in_place_(variant != "ring-copied-in"),
        leases_(variant == "ring-copied-out" ? 0 : 1) {}

  std::unique_ptr<Sender> sender() override { return std::make_unique<RingSender>(name_, options_, in_place_); }
  std::unique_ptr<Receiver> receiver(unsigned /*index*/) override {
    return std::make_unique<RingReceiver>(name_, leases_);
  }

private:
  Options options_;
  std::string name_;
  bool in_place_;
  std::uint32_t leases_;
};

}  // namespace

std::unique_ptr<Transport> make_ring(const std::string& variant, const Transport::Options& options) {
  return std::make_unique<RingTransport>(variant, options);
}

}  // namespace campipe::bench
