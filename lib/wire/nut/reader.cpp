#include "wire/nut/reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "wire/nut/tags.hpp"

namespace campipe::wire::nut {

namespace {

constexpr std::size_t kNoPlace = static_cast<std::size_t>(-1);

/// Offset of the first main header, or syncpoint unless `main_only`, in `bytes`.
std::size_t find_start(std::span<const std::byte> bytes, bool main_only) {
  const std::byte* const begin = bytes.data();
  const std::byte* at = begin;
  const std::byte* const end = begin + bytes.size();
  while (end - at >= static_cast<std::ptrdiff_t>(nut::kStartCodeBytes)) {
    at = static_cast<const std::byte*>(
        std::memchr(at, 'N', static_cast<std::size_t>(end - at) - nut::kStartCodeBytes + 1));
    if (at == nullptr) break;
    const std::uint64_t code = nut::ByteReader({at, nut::kStartCodeBytes}).fixed(8);
    if (code == nut::kMainStart || (code == nut::kSyncStart && !main_only)) return static_cast<std::size_t>(at - begin);
    ++at;
  }
  return kNoPlace;
}

bool is_start_code(std::uint64_t code) {
  return code == nut::kMainStart || code == nut::kStreamStart || code == nut::kSyncStart || code == nut::kInfoStart ||
         code == nut::kIndexStart;
}

/// How much of the file id `bytes` begin with: all of it, as far as they go, or not.
enum class Match { no, so_far, all };
Match match_file_id(std::span<const std::byte> bytes) {
  const std::size_t length = std::min(bytes.size(), nut::kFileId.size());
  if (std::memcmp(bytes.data(), nut::kFileId.data(), length) != 0) return Match::no;
  return length == nut::kFileId.size() ? Match::all : Match::so_far;
}

}  // namespace

Reader::Reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options)
    : input_(std::move(input)), options_(std::move(options)), clock_(StreamClock::from_environment_or_now()) {}

stream::Pull Reader::next() {
  for (;;) {
    stats_.bytes = input_->bytes();
    if (std::exchange(format_due_, false)) return stream::Pull::format;
    if (std::exchange(packet_due_, false)) return stream::Pull::packet;
    switch (step()) {
      case Step::done:
        break;
      case Step::end:
        return stream::Pull::end;
      case Step::stopped:
        return stream::Pull::stopped;
    }
  }
}

/// Handles one item, or gets more input for it.
Reader::Step Reader::step() {
  if (skip_bytes_ > 0) return discard();
  if (searching_) return search();
  const auto window = input_->window();
  if (window.empty()) return more();
  if (window[0] == std::byte{'N'}) return header_packet();
  if (window[0] == std::byte{'n'}) {
    switch (match_file_id(window)) {
      case Match::all:
        input_->consume(nut::kFileId.size());
        new_writer();
        return Step::done;
      case Match::so_far:
        return more();
      case Match::no:
        break;
    }
  }
  return frame();
}

Reader::Step Reader::more(std::size_t missing) {
  // What is read here has to be copied when it is payload: little of it where payloads are big.
  constexpr std::size_t kLittle = 4096;
  const bool big = layout_ && layout_->format.video.codec != media::VideoCodec::h264 &&
                   layout_->format.video.codec != media::VideoCodec::h265;
  switch (input_->more(std::max(missing, big ? kLittle : stream::ByteInput::kReadBytes))) {
    case stream::ByteInput::Got::bytes:
      return Step::done;
    case stream::ByteInput::Got::stopped:
      return Step::stopped;
    case stream::ByteInput::Got::end:
      break;
  }
  if (frame_due_ || !input_->window().empty()) stats_.truncated = true;
  if (input_->window().empty()) return Step::end;
  return damaged(1);  // a killed writer's last header may be followed by another stream
}

Reader::Step Reader::search() {
  const auto window = input_->window();
  const std::size_t at = find_start(window, at_main_only_);
  if (at != kNoPlace) {
    input_->consume(at);
    searching_ = false;
    return Step::done;
  }
  const std::size_t keep = std::min(window.size(), nut::kStartCodeBytes - 1);
  input_->consume(window.size() - keep);
  switch (input_->more()) {
    case stream::ByteInput::Got::bytes:
      return Step::done;
    case stream::ByteInput::Got::stopped:
      return Step::stopped;
    case stream::ByteInput::Got::end:
      break;
  }
  input_->consume(input_->window().size());
  return Step::end;
}

Reader::Step Reader::damaged(std::size_t skip) {
  input_->consume(skip);
  searching_ = true;
  if (group_open_ || !layout_) at_main_only_ = true;  // headers of which a part is lost are worse than none
  ++stats_.resyncs;
  lost(0);
  return Step::done;
}

void Reader::lost(std::uint64_t video_frames) {
  stats_.dropped += video_frames;
  wait_key_ = true;
  mark_next_ = told_format_;
  dts_rule_.restart(decode_delay());
}

void Reader::new_writer() {
  if (!layout_) return;
  lost(0);
  foreign_.restart();
  last_sequence_.reset();
}

Reader::Step Reader::discard() {
  const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(skip_bytes_, input_->window().size()));
  input_->consume(now);
  skip_bytes_ -= now;
  if (skip_bytes_ == 0) return Step::done;
  switch (input_->more()) {
    case stream::ByteInput::Got::bytes:
      return Step::done;
    case stream::ByteInput::Got::stopped:
      return Step::stopped;
    case stream::ByteInput::Got::end:
      break;
  }
  skip_bytes_ = 0;
  stats_.truncated = true;
  return Step::end;
}

Reader::Step Reader::header_packet() {
  constexpr std::uint64_t kLargePacket = 4096;
  const auto window = input_->window();
  if (window.size() < nut::kStartCodeBytes) return more();
  nut::ByteReader in(window);
  const std::uint64_t start = in.fixed(8);
  if (!is_start_code(start)) return damaged(1);
  const std::uint64_t length = in.v();
  if (in.ok() && length > kLargePacket) {
    const auto covered = window.first(in.position());
    if (in.fixed(4) != nut::checksum(covered) && in.enough()) return damaged(1);
  }
  if (!in.enough()) return more();
  if (!in.ok() || length < 4) return damaged(1);
  if (start == nut::kIndexStart) {  // for seeking; long in long files
    skip_bytes_ = in.position() + length;
    return Step::done;
  }
  if (length > nut::kMaxHeaderBytes) return damaged(1);
  if (in.rest().size() < length) return more(length - in.rest().size());
  const auto body = in.rest().first(length - 4);
  nut::ByteReader footer(in.rest().subspan(length - 4));
  if (footer.fixed(4) != nut::checksum(body)) return damaged(1);
  handle_body(start, body);
  if (!searching_) input_->consume(in.position() + length);
  return Step::done;
}

void Reader::handle_body(std::uint64_t start, std::span<const std::byte> body) {
  bool good = true;
  if (start == nut::kMainStart) {
    auto main = nut::parse_main(body);
    good = main.has_value();
    if (good) start_group(std::move(*main));
  } else if (start == nut::kStreamStart) {
    auto stream = group_open_ ? nut::parse_stream(body, group_->main) : std::nullopt;
    good = stream.has_value();
    if (good) group_->streams[stream->id] = std::move(stream);
  } else if (start == nut::kInfoStart) {
    if (group_) good = nut::parse_info(body, group_->info);
    if (good && group_) {
      if (const auto source = std::exchange(group_->info.source, std::nullopt)) take_source(*source);
    }
  } else {
    if (group_open_) commit();
    const auto time = layout_ ? nut::parse_syncpoint(body, layout_->main) : std::nullopt;
    good = time.has_value();
    frame_due_ = good && layout_->main.ours;
    for (std::size_t i = 0; good && i < tracks_.size(); ++i) {
      tracks_[i].last_ticks = to_ticks(*time, layout_->main.time_bases[layout_->streams[i].time_base]);
    }
  }
  if (!good) damaged(1);
}

void Reader::take_source(const SourceStatus& status) {
  rested_ = rested_ || status.state == SourceState::resting;
  if (options_.on_source) options_.on_source(status);
  if (options_.on_idle) options_.on_idle();  // it may come each second and be all that comes
}

void Reader::start_group(nut::MainHeader main) {
  group_.emplace();
  group_->streams.resize(main.stream_count);
  group_->main = std::move(main);
  group_open_ = true;
  at_main_only_ = false;
}

/// The headers are complete: a frame or a syncpoint follows.
void Reader::commit() {
  if (!group_->complete()) {
    layout_.reset();
    return;
  }
  const auto before = std::exchange(layout_, nut::make_layout(*group_, input_->name()));
  group_open_ = false;
  tracks_.resize(layout_->streams.size());
  const unsigned told = layout_->streams[layout_->video].decode_delay;
  if (!before || before->main.ours != layout_->main.ours || told != before->streams[before->video].decode_delay) {
    dts_rule_.restart(decode_delay());
  }
  // Repeated headers do not undo what the stream itself has told since.
  if (before && before->format == layout_->format) return;
  media::StreamFormat format = layout_->format;
  if (told_format_ && format.video.codec == format_.video.codec && format.video.parameter_sets.empty()) {
    format.video.parameter_sets = format_.video.parameter_sets;
  }
  adopt(std::move(format));
}

Reader::Step Reader::frame() {
  if (group_open_) commit();
  if (!layout_) return damaged(1);
  nut::FrameHead head;
  switch (nut::parse_frame_head(input_->window(), layout_->main, head)) {
    case nut::HeadResult::more:
      return more();
    case nut::HeadResult::bad:
      return damaged(1);
    case nut::HeadResult::ok:
      break;
  }
  input_->consume(head.bytes);
  frame_due_ = false;
  if (!wanted(head.stream) || head.size == 0) {
    skip_bytes_ = head.size;
    return Step::done;
  }
  return payload(head);
}

/// Ticks and microseconds of a frame; false when they are out of range.
bool Reader::time_of(const nut::FrameHead& head, std::int64_t& ticks, std::int64_t& pts_us) const {
  constexpr std::uint64_t kMaxTicks = std::uint64_t{1} << 62;
  const nut::StreamHeader& stream = layout_->streams[head.stream];
  const std::int64_t last = tracks_[head.stream].last_ticks;
  const std::uint64_t full = std::uint64_t{1} << stream.pts_shift;
  if (!head.pts_coded) {
    if (__builtin_add_overflow(last, head.pts_delta, &ticks)) return false;
  } else if (head.coded_pts < full) {
    const auto mask = static_cast<std::int64_t>(full - 1);
    const std::int64_t base = last - mask / 2;
    ticks = ((static_cast<std::int64_t>(head.coded_pts) - base) & mask) + base;
  } else {
    if (head.coded_pts - full > kMaxTicks) return false;
    ticks = static_cast<std::int64_t>(head.coded_pts - full);
  }
  const auto us = to_us(ticks, layout_->main.time_bases[stream.time_base]);
  pts_us = us.value_or(0);
  return us.has_value();
}

Reader::Step Reader::payload(const nut::FrameHead& head) {
  std::int64_t ticks = 0;
  std::int64_t pts_us = 0;
  if (!time_of(head, ticks, pts_us)) return damaged(0);
  const bool video = is_video(head.stream);
  PayloadReader::Want want;
  want.prefix = layout_->main.elision[head.header_idx];
  want.size = head.size;
  if (layout_->main.ours && head.reserved_count > nut::kFieldCrc) {
    want.crc = static_cast<std::uint32_t>(head.reserved[nut::kFieldCrc]);
  }
  want.watch = true;
  want.pooled =
      video && (format_.video.codec == media::VideoCodec::raw || format_.video.codec == media::VideoCodec::mjpeg);
  media::Payload bytes;
  switch (payloads_.read(*input_, want, bytes)) {
    case PayloadReader::Result::stopped:
      return Step::stopped;
    case PayloadReader::Result::end:
      stats_.truncated = true;
      [[fallthrough]];
    case PayloadReader::Result::damaged:
      if (video) lost(1);
      return damaged(0);
    case PayloadReader::Result::complete:
      break;
  }
  stats_.truncated = false;
  tracks_[head.stream].last_ticks = ticks;
  deliver(head, pts_us, std::move(bytes));
  return Step::done;
}

}  // namespace campipe::wire::nut
