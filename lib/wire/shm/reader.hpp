#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ring/read/reader.hpp"
#include "wire/stream/reader.hpp"

namespace campipe::wire::shm {

/// Packets out of a ring. Never ends by itself: waits for the ring to be made, and for its next writer when one goes.
///
/// Raw pictures with tight planes are the ring's own memory, leased as long as a packet's payload lives; others and
/// coded ones are copied. After lost units H.264 and H.265 go on with a keyframe, which is asked for.
class Reader final : public stream::Reader {
public:
  /// @param name  Without "shm:". Throws Error(permission, bad_data) for a ring that is there and cannot be read.
  Reader(std::string name, stream::ReadOptions options);
  ~Reader() override;

  stream::Pull next() override;
  const media::StreamFormat& format() const override { return format_; }
  media::Packet& packet() override { return packet_; }
  const stream::ReaderStats& stats() const override { return stats_; }
  std::int64_t age_ns() const override;
  void set_wanted(bool wanted) noexcept override;
  void request_keyframe() noexcept override;

private:
  void open(ring::read::Delivery delivery);
  void watch_stop();
  void look_at_link();
  void say_link(ring::read::Link link);
  void tell_waiting(bool now);
  void tell_source();
  void take_format();
  bool take_unit(ring::layout::Unit& unit);
  bool take_video(const ring::layout::Unit& unit, media::Packet packet);
  bool is_picture(const ring::layout::Unit& unit, media::Packet& packet);
  media::Payload tight_picture(const ring::layout::Unit& unit);
  void find_parameter_sets(const media::Packet& packet);
  void adopt(media::StreamFormat format);
  void count_lost(const ring::layout::Unit& unit, const media::Packet& packet);
  void keep_order(media::Packet& packet);
  void lost();

  std::string ring_, name_;
  stream::ReadOptions options_;
  std::mutex mutex_;  // over the pointer, not what it points to
  std::unique_ptr<ring::read::Reader> reader_;
  ring::read::Delivery delivery_ = ring::read::Delivery::in_order;
  std::atomic<bool> wanted_;

  media::StreamFormat format_;
  media::Packet packet_;
  std::int64_t published_ns_ = 0;  // of packet_
  stream::ReaderStats stats_;
  media::BufferPool pool_;
  bool told_format_ = false, format_due_ = false, packet_due_ = false;
  bool wait_key_ = true;
  bool asked_key_ = false;
  bool mark_next_ = false;  // the next video packet follows a loss
  std::optional<std::uint64_t> last_sequence_;
  std::array<std::optional<std::int64_t>, 2> last_dts_us_;  // by track

  std::optional<ring::read::Link> link_;  // as it was last said
  bool waiting_ = false;
  std::uint32_t rests_ = 0;
  bool rested_ = false;      // since the last frame: what it did not make is not missing
  bool complained_ = false;  // about pictures that are none

  Fd quit_;  // ends the watcher
  std::atomic<bool> stop_ = false;
  std::thread watcher_;
};

}  // namespace campipe::wire::shm
