// H.264 and H.265 byte streams (annex B of both).
#include <algorithm>

#include "media/h264.hpp"
#include "media/h265.hpp"
#include "wire/bare/reader.hpp"
#include "wire/stream/limits.hpp"

namespace campipe::wire::bare {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// Offset of the next 00 00 01 at or after `from`.
std::size_t find_start_code(std::span<const std::byte> bytes, std::size_t from) {
  for (std::size_t at = from + 2; at < bytes.size();) {
    const auto value = static_cast<unsigned>(bytes[at]);
    if (value > 1) {
      at += 3;  // no code ends here or in the next two bytes
    } else if (value == 1 && bytes[at - 1] == std::byte{0} && bytes[at - 2] == std::byte{0}) {
      return at - 2;
    } else {
      ++at;
    }
  }
  return kNone;
}

struct H264 {
  static constexpr media::VideoCodec kCodec = media::VideoCodec::h264;
  media::h264::AccessUnitSplitter splitter;
  static bool has_slice(std::span<const std::byte> unit) { return media::h264::has_slice(unit); }
  static bool is_key(std::span<const std::byte> unit) { return media::h264::has_idr(unit); }
  static auto parameter_sets(std::span<const std::byte> unit) { return media::h264::parameter_sets_of(unit); }
  static auto canonical(std::span<const std::byte> unit, std::span<const std::byte> sets) {
    return media::h264::canonical(unit, sets);
  }
  static auto sps(media::Nal nal) {
    return media::h264::nal_type(nal) == media::h264::kSps ? media::h264::parse_sps(nal) : std::nullopt;
  }
};

struct H265 {
  static constexpr media::VideoCodec kCodec = media::VideoCodec::h265;
  media::h265::AccessUnitSplitter splitter;
  static bool has_slice(std::span<const std::byte> unit) { return media::h265::has_slice(unit); }
  static bool is_key(std::span<const std::byte> unit) { return media::h265::has_irap(unit); }
  static auto parameter_sets(std::span<const std::byte> unit) { return media::h265::parameter_sets_of(unit); }
  static auto canonical(std::span<const std::byte> unit, std::span<const std::byte> sets) {
    return media::h265::canonical(unit, sets);
  }
  static auto sps(media::Nal nal) {
    return media::h265::nal_type(nal) == media::h265::kSps ? media::h265::parse_sps(nal) : std::nullopt;
  }
};

/// An access unit ends where the next begins. So that a live one need not wait for the next, it also ends when nothing
/// more has come for 10 ms: who writes a byte stream live writes access units whole.
///
/// The window begins with the access unit being read; `nal_` is where the newest unit of it begins.
template <class Codec>
class AnnexBReader final : public Reader {
public:
  using Reader::Reader;

protected:
  Step step() override {
    const auto window = input_->window();
    if (window.size() > stream::kMaxFrameBytes) return give_up(window.size());
    if (!synced_) return find_first(window);
    if (!judged_) {
      if (window.size() - nal_ < kJudgeBytes && !ended_) return wait_for_more(window);
      judge(window);
      return Step::done;
    }
    const std::size_t next = find_start_code(window, std::max(scanned_, nal_ + kStartCodeBytes));
    if (next != kNone) {
      nal_ = next;
      judged_ = false;
      return Step::done;
    }
    scanned_ = window.size() - std::min<std::size_t>(window.size(), kStartCodeBytes - 1);
    return ended_ ? finish() : wait_for_more(window);
  }

private:
  static constexpr int kSilenceMs = 10;
  static constexpr std::size_t kStartCodeBytes = 3;
  static constexpr std::size_t kJudgeBytes = 16;  // header and the beginning of a slice header

  Step find_first(std::span<const std::byte> window) {
    const std::size_t at = find_start_code(window, 0);
    if (at == kNone) {
      input_->consume(window.size() - std::min<std::size_t>(window.size(), kStartCodeBytes - 1));
      return more();
    }
    input_->consume(at);
    start_unit();
    synced_ = true;
    return Step::done;
  }

  void start_unit() {
    nal_ = scanned_ = 0;
    judged_ = has_slice_ = false;
  }

  /// Enough of the newest unit is there to tell whether it begins an access unit.
  void judge(std::span<const std::byte> window) {
    const auto known = window.subspan(nal_);
    const media::Nal nal = known.size() > kStartCodeBytes ? known.subspan(kStartCodeBytes) : media::Nal{};
    judged_ = true;
    if (nal.empty()) return;
    if (codec_.splitter.starts_access_unit(nal) && nal_ > 0) {
      flush(nal_);
      judged_ = true;
    }
    has_slice_ = has_slice_ || Codec::has_slice(known);
  }

  Step wait_for_more(std::span<const std::byte> window) {
    if (has_slice_ && judged_ && input_->ready(kSilenceMs) == Readable::timeout) {
      flush(window.size());
      synced_ = false;
      codec_.splitter.reset();
      return Step::done;
    }
    const Step got = more();
    if (got != Step::end) return got;
    ended_ = true;
    return Step::done;
  }

  Step finish() {
    const auto window = input_->window();
    if (!has_slice_ || window.empty()) return Step::end;
    flush(window.size());
    return Step::done;
  }

  /// Delivers the bytes before `end` as an access unit.
  void flush(std::size_t end) {
    const auto unit = input_->window().first(end);
    deliver(unit);
    input_->consume(end);
    start_unit();
  }

  void deliver(std::span<const std::byte> unit) {
    if (!Codec::has_slice(unit)) return;
    auto sets = Codec::parameter_sets(unit);
    if (!sets.empty() && sets != parameter_sets_) {
      parameter_sets_ = std::move(sets);
      tell_format(format_of(parameter_sets_));
    }
    const bool key = Codec::is_key(unit);
    if (!has_format() || (!seen_key_ && !key)) {  // joined in the middle
      ++stats_.dropped;
      return;
    }
    seen_key_ = true;
    tell_packet(media::Payload::from(Codec::canonical(unit, parameter_sets_)), key);
  }

  media::VideoFormat format_of(const std::vector<std::byte>& sets) const {
    media::VideoFormat video;
    video.codec = Codec::kCodec;
    video.parameter_sets = sets;
    video.frame_rate = options_.assumed_rate;
    for (const media::Nal nal : media::split_annex_b(sets)) {
      const auto sps = Codec::sps(nal);
      if (!sps) continue;
      video.size = sps->size;
      video.range = sps->range;
      video.matrix = sps->matrix;
      constexpr double kSlowest = 0.01;  // bitstreams may claim anything
      constexpr double kFastest = 1000;
      const double rate = sps->frame_rate.value();
      if (rate >= kSlowest && rate <= kFastest) video.frame_rate = sps->frame_rate;
    }
    return video;
  }

  Step give_up(std::size_t bytes) {
    input_->consume(bytes);
    synced_ = false;
    codec_.splitter.reset();
    ++stats_.resyncs;
    lost(1);
    return Step::done;
  }

  Codec codec_;
  bool synced_ = false;
  bool ended_ = false;
  std::size_t nal_ = 0;      // with its start code
  std::size_t scanned_ = 0;  // no start code begins between nal_ and here
  bool judged_ = false;      // it is known whether nal_ begins an access unit
  bool has_slice_ = false;   // the access unit has one
  bool seen_key_ = false;
  std::vector<std::byte> parameter_sets_;
};

}  // namespace

std::unique_ptr<stream::Reader> make_annex_b_reader(std::unique_ptr<stream::ByteInput> input,
                                                    stream::ReadOptions options, media::VideoCodec codec) {
  if (codec == media::VideoCodec::h265) {
    return std::make_unique<AnnexBReader<H265>>(std::move(input), std::move(options));
  }
  return std::make_unique<AnnexBReader<H264>>(std::move(input), std::move(options));
}

}  // namespace campipe::wire::bare
