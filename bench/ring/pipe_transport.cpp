#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "transport.hpp"
#include "wire/make_reader.hpp"
#include "wire/make_writer.hpp"
#include "wire/stream/reader.hpp"
#include "wire/stream/writer.hpp"

namespace campipe::bench {

namespace {

constexpr int kPipeBytes = 1 << 20;  // as the wire has it

void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class PlainSender final : public Sender {
public:
  PlainSender(std::vector<Fd> outputs, std::size_t bytes) : outputs_(std::move(outputs)), sources_(bytes) {}

  void send(Stamp stamp) override {
    const auto picture = sources_.next();
    stamp.sent_ns = monotonic_ns();
    put(stamp, picture);
    for (const auto& output : outputs_) {
      std::span<std::byte> rest = picture;
      while (!rest.empty()) {
        const iovec part{rest.data(), rest.size()};
        const ssize_t wrote = ::writev(output.get(), &part, 1);
        if (wrote < 0) fail("pipe: write");
        rest = rest.subspan(static_cast<std::size_t>(wrote));
      }
    }
  }

private:
  std::vector<Fd> outputs_;
  SourcePictures sources_;
};

class PlainReceiver final : public Receiver {
public:
  PlainReceiver(Fd input, std::size_t bytes) : input_(std::move(input)), picture_(bytes) {}

  std::optional<std::span<const std::byte>> receive() override {
    for (std::size_t have = 0; have < picture_.size();) {
      const ssize_t got = ::read(input_.get(), picture_.data() + have, picture_.size() - have);
      if (got <= 0) return std::nullopt;
      have += static_cast<std::size_t>(got);
    }
    ++copied_;
    return picture_;
  }
  Counts counts() const override { return {.copied = copied_}; }

private:
  Fd input_;
  std::vector<std::byte> picture_;
  std::uint64_t copied_ = 0;
};

class NutSender final : public Sender {
public:
  NutSender(std::vector<Fd> outputs, const Picture& picture) : sources_(picture.bytes()) {
    media::StreamFormat format;
    format.video.pixel_format = media::PixelFormat::yuv420p;
    format.video.size = {static_cast<int>(picture.width_px), static_cast<int>(picture.height_px)};
    format.video.frame_rate = {60, 1};
    format.clock = StreamClock::now();
    for (auto& output : outputs) {
      writers_.push_back(wire::make_writer(std::move(output), "pipe", wire::stream::OutputFormat::nut));
      writers_.back()->set_format(format);
    }
    clock_ = *format.clock;
  }

  void send(Stamp stamp) override {
    const auto picture = sources_.next();
    stamp.sent_ns = monotonic_ns();
    put(stamp, picture);
    media::Packet packet;
    packet.pts_us = clock_.pts_us(stamp.sent_ns);
    packet.captured_ns = stamp.sent_ns;
    packet.sequence = stamp.number;
    packet.keyframe = true;
    packet.payload = media::Payload(nullptr, picture);
    for (const auto& writer : writers_) writer->write(packet);
  }

private:
  std::vector<std::unique_ptr<wire::stream::Writer>> writers_;
  SourcePictures sources_;
  StreamClock clock_;
};

class NutReceiver final : public Receiver {
public:
  explicit NutReceiver(Fd input) : reader_(wire::make_reader(std::move(input), "pipe", {})) {}

  std::optional<std::span<const std::byte>> receive() override {
    for (;;) {
      switch (reader_->next()) {
        case wire::stream::Pull::packet:
          packet_ = std::move(reader_->packet());
          ++copied_;
          return packet_.payload.bytes();
        case wire::stream::Pull::format:
          continue;
        case wire::stream::Pull::end:
        case wire::stream::Pull::stopped:
          return std::nullopt;
      }
    }
  }
  Counts counts() const override { return {.copied = copied_}; }

private:
  std::unique_ptr<wire::stream::Reader> reader_;
  media::Packet packet_;
  std::uint64_t copied_ = 0;
};

class PipeTransport final : public Transport {
public:
  PipeTransport(bool nut, const Options& options) : options_(options), nut_(nut) {
    for (unsigned i = 0; i < options.receivers; ++i) {
      std::array<int, 2> ends{};
      if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
      ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
      inputs_.emplace_back(ends[0]);
      outputs_.emplace_back(ends[1]);
    }
  }

  std::unique_ptr<Sender> sender() override {
    inputs_.clear();
    if (nut_) return std::make_unique<NutSender>(std::move(outputs_), options_.picture);
    return std::make_unique<PlainSender>(std::move(outputs_), options_.picture.bytes());
  }

  std::unique_ptr<Receiver> receiver(unsigned index) override {
    Fd input = std::move(inputs_[index]);
    inputs_.clear();
    outputs_.clear();
    if (nut_) return std::make_unique<NutReceiver>(std::move(input));
    return std::make_unique<PlainReceiver>(std::move(input), options_.picture.bytes());
  }

private:
  Options options_;
  bool nut_;
  std::vector<Fd> inputs_, outputs_;
};

}  // namespace

std::unique_ptr<Transport> make_pipe(bool nut, const Transport::Options& options) {
  return std::make_unique<PipeTransport>(nut, options);
}

}  // namespace campipe::bench
