#include "wire/make_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "wire/bare/reader.hpp"
#include "wire/nut/reader.hpp"
#include "wire/recognise.hpp"

namespace campipe::wire {

namespace {

std::unique_ptr<stream::Reader> reader_for(Kind kind, std::unique_ptr<stream::ByteInput> input,
                                           stream::ReadOptions options) {
  switch (kind) {
    case Kind::nut:
      break;
    case Kind::mjpeg:
      return bare::make_jpeg_reader(std::move(input), std::move(options));
    case Kind::h264:
      return bare::make_annex_b_reader(std::move(input), std::move(options), media::VideoCodec::h264);
    case Kind::h265:
      return bare::make_annex_b_reader(std::move(input), std::move(options), media::VideoCodec::h265);
    case Kind::y4m:
      return bare::make_y4m_reader(std::move(input), std::move(options));
  }
  return std::make_unique<nut::Reader>(std::move(input), std::move(options));
}

/// Recognises the format by the first bytes, then steps aside.
class RecognisingReader final : public stream::Reader {
public:
  RecognisingReader(Fd fd, std::string name, stream::ReadOptions options)
      : options_(std::move(options)),
        input_(std::make_unique<stream::ByteInput>(std::move(fd), std::move(name), options_.stop_fd,
                                                   [this] { idle(); })) {}

  stream::Pull next() override {
    while (!reader_) {
      if (const auto done = recognise_more()) return *done;
    }
    return reader_->next();
  }

  const media::StreamFormat& format() const override { return reader_ ? reader_->format() : no_format_; }
  media::Packet& packet() override { return reader_ ? reader_->packet() : no_packet_; }
  const stream::ReaderStats& stats() const override { return reader_ ? reader_->stats() : no_stats_; }

private:
  static constexpr std::size_t kStartBytes = 256;   // kept for messages
  static constexpr std::size_t kWindow = 64 << 10;  // that the first bytes are judged in
  static constexpr std::uint64_t kPatienceBytes = 64U << 20;
  static constexpr std::int64_t kPatienceNs = 10'000'000'000;

  void idle() {
    if (options_.on_idle) options_.on_idle();
    if (!reader_) check_patience();
  }

  [[noreturn]] void refuse() const {
    throw Error(ExitCode::bad_data,
                input_->name() + ": this is no video stream I know (starts with " + describe_start(start_) +
                    "): NUT, JPEG, H.264/H.265 Annex B and Y4M are recognised, raw needs --input-format "
                    "rawvideo:PIXFMT:WxH@FPS");
  }

  /// A pipe may be joined in the middle of a big picture, but a start code comes with each.
  void check_patience() const {
    if (start_.empty()) return;
    if (input_->bytes() > kPatienceBytes || monotonic_ns() - first_ns_ > kPatienceNs) refuse();
  }

  std::optional<stream::Pull> recognise_more() {
    const auto got = input_->more();
    if (got == stream::ByteInput::Got::stopped) return stream::Pull::stopped;
    const auto window = input_->window();
    if (got == stream::ByteInput::Got::end && window.empty() && start_.empty()) return stream::Pull::end;
    if (start_.empty()) first_ns_ = monotonic_ns();
    if (input_->bytes() == window.size())
      start_.assign(window.begin(), window.begin() + std::min(window.size(), kStartBytes));
    const Recognised seen = judge(window, got == stream::ByteInput::Got::end);
    if (seen.guess == Guess::unknown) refuse();
    if (seen.guess == Guess::certain) {
      reader_ = reader_for(seen.kind, std::move(input_), options_);
      return std::nullopt;
    }
    check_patience();
    if (window.size() > kWindow) input_->consume(window.size() - 64);
    return std::nullopt;
  }

  /// Once the first bytes have been passed over, only a NUT start code counts.
  Recognised judge(std::span<const std::byte> window, bool all) const {
    if (input_->bytes() == window.size()) return recognise(window, all);
    return all ? Recognised{Guess::unknown} : recognise_joined(window);
  }

  stream::ReadOptions options_;
  std::unique_ptr<stream::ByteInput> input_;
  std::unique_ptr<stream::Reader> reader_;
  std::vector<std::byte> start_;
  std::int64_t first_ns_ = 0;
  media::StreamFormat no_format_;
  media::Packet no_packet_;
  stream::ReaderStats no_stats_;
};

std::optional<Kind> kind_by_name(const std::string& name) {
  constexpr std::array kNames = std::to_array<std::pair<const char*, Kind>>({{"nut", Kind::nut},
                                                                             {"mjpeg", Kind::mjpeg},
                                                                             {"jpeg", Kind::mjpeg},
                                                                             {"h264", Kind::h264},
                                                                             {"h265", Kind::h265},
                                                                             {"y4m", Kind::y4m}});
  for (const auto& [known, kind] : kNames) {
    if (name == known) return kind;
  }
  return std::nullopt;
}

}  // namespace

std::unique_ptr<stream::Reader> make_reader(Fd fd, std::string name, stream::ReadOptions options) {
  if (options.input_format.empty())
    return std::make_unique<RecognisingReader>(std::move(fd), std::move(name), std::move(options));
  const bool raw = options.input_format.starts_with("rawvideo");
  const auto kind = kind_by_name(options.input_format);
  if (!raw && !kind) {
    throw Error(ExitCode::usage, "--input-format " + options.input_format +
                                     ": no such format: give nut, mjpeg, h264, h265, y4m or rawvideo:PIXFMT:WxH@FPS");
  }
  const auto video = raw ? bare::parse_raw_format(options.input_format, options.assumed_rate) : media::VideoFormat{};
  auto input = std::make_unique<stream::ByteInput>(std::move(fd), std::move(name), options.stop_fd, options.on_idle);
  if (raw) return bare::make_raw_reader(std::move(input), std::move(options), video);
  return reader_for(*kind, std::move(input), std::move(options));
}

}  // namespace campipe::wire
