#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "wire/nut/layout.hpp"
#include "wire/nut/payload_reader.hpp"
#include "wire/nut/reorder_depth.hpp"
#include "wire/nut/times.hpp"
#include "wire/stream/byte_input.hpp"
#include "wire/stream/reader.hpp"

namespace campipe::wire::nut {

/// NUT as campipe writes it (with its reserved fields) and as libavformat does (versions 3 and 4). Keeps no table of
/// syncpoints, so its memory stays flat.
///
/// Goes through the stream item by item: packet behind a start code, or frame. What does not parse is damage: the next
/// syncpoint or main header is searched for, and video waits for a keyframe.
class Reader final : public stream::Reader {
public:
  Reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options);

  stream::Pull next() override;
  const media::StreamFormat& format() const override { return format_; }
  media::Packet& packet() override { return packet_; }
  const stream::ReaderStats& stats() const override { return stats_; }

private:
  enum class Step { done, end, stopped };
  struct TrackState {
    std::int64_t last_ticks = 0;
    std::optional<std::int64_t> last_dts_us;
  };

  Step step();
  Step more(std::size_t missing = 1);
  Step search();
  Step damaged(std::size_t skip);
  Step header_packet();
  Step frame();
  Step discard();
  Step payload(const nut::FrameHead& head);

  void new_writer();
  void start_group(nut::MainHeader main);
  void handle_body(std::uint64_t start, std::span<const std::byte> body);
  void commit();
  void take_source(const SourceStatus& status);
  void adopt(media::StreamFormat format);
  void lost(std::uint64_t video_frames);

  bool time_of(const nut::FrameHead& head, std::int64_t& ticks, std::int64_t& pts_us) const;
  bool is_video(std::size_t stream) const { return layout_ && stream == layout_->video; }
  bool wanted(std::size_t stream) const { return is_video(stream) || (layout_ && layout_->audio == stream); }
  void deliver(const nut::FrameHead& head, std::int64_t pts_us, media::Payload payload);
  void deliver_video(const nut::FrameHead& head, media::Packet packet);
  bool canonical(media::Packet& packet);
  void own_fields(const nut::FrameHead& head, media::Packet& packet);
  void foreign_times(media::Packet& packet);
  void in_order(media::Packet& packet, TrackState& track);
  void count_gap(const media::Packet& packet);
  std::int64_t frame_us() const;
  unsigned decode_delay() const noexcept;

  std::unique_ptr<stream::ByteInput> input_;
  stream::ReadOptions options_;
  PayloadReader payloads_;
  stream::ReaderStats stats_;

  std::optional<nut::HeaderGroup> group_;  // being read, or the one that holds
  bool group_open_ = false;                // headers came, no frame yet
  std::optional<nut::Layout> layout_;
  std::vector<TrackState> tracks_;  // by stream id
  media::StreamFormat format_;
  media::Packet packet_;
  bool format_due_ = false, packet_due_ = false, told_format_ = false;

  bool frame_due_ = false;    // of ours: a syncpoint came, its frame did not
  bool searching_ = true;     // for a start code
  bool at_main_only_ = true;  // nothing but a main header will do
  bool wait_key_ = true;
  bool mark_next_ = false;        // the next video packet follows a loss
  std::uint64_t skip_bytes_ = 0;  // of a packet or payload that nobody wants
  std::optional<std::uint64_t> last_sequence_;
  bool rested_ = false;  // since the last frame: what it did not make is not missing
  StreamClock clock_;    // for foreign streams
  ForeignClock foreign_;
  ReorderDepth depth_;  // of a foreign stream, whose header may not know
  DtsRule dts_rule_;
};

}  // namespace campipe::wire::nut
