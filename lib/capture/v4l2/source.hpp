#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "capture/coded_video.hpp"
#include "capture/source.hpp"
#include "capture/v4l2/device.hpp"
#include "capture/v4l2/mode_choice.hpp"

namespace campipe::capture::v4l2 {

/// A V4L2 camera. Raw pictures come out as tight planes, MJPEG, H.264 and H.265 are passed through in canonical form.
/// What the driver flags as damaged, what is empty or too short is left out and counted. The driver's sequence becomes
/// one count that goes on over reconnections.
class Source : public capture::Source {
public:
  struct Options {
    std::string path;  ///< empty: the first camera there is, looked for at each open()
    ModeWish wish;
    std::chrono::nanoseconds stall_timeout{std::chrono::seconds(5)};
  };
  Source(Options options, Host host, StreamClock clock);
  ~Source() override;

  void open() override;
  Pull next() override;
  void close() noexcept override;
  const media::StreamFormat& format() const override { return format_; }
  media::Packet& packet() override { return packet_; }
  const std::string& loss() const override { return loss_; }
  const std::string& name() const override { return path_; }
  bool is_live() const override { return true; }
  SourceStats stats() const override { return stats_; }
  void draw_in(media::BufferSource source) override { pictures_.set_source(std::move(source)); }
  /// Watches the device's folder, so that a camera plugged in again is taken at once.
  Wake wait_for_return(const Host& host, std::int64_t deadline_ns) override;

private:
  void choose_and_set(Device& device, std::optional<Size> signal);
  Pull lose(std::string why);
  Pull lose(int error);
  std::int64_t stall_deadline() const;
  std::string why_stalled() const;
  bool deliver(const DeviceFrame& frame);
  CodedVideo::Verdict copy_out(const DeviceFrame& frame, media::Payload& out);
  void stamp(const DeviceFrame& frame);
  void count(const DeviceFrame& frame);

  Options options_;
  Host host_;
  StreamClock clock_;
  std::string path_;  // what messages call it
  std::unique_ptr<Device> device_;
  DeviceMode mode_;
  std::optional<CodedVideo> coded_;
  media::BufferPool pictures_, units_;  // raw and coded
  media::StreamFormat format_;
  media::Packet packet_;
  SourceStats stats_;
  std::string loss_;
  std::string last_choice_;
  std::int64_t started_ns_ = 0, last_captured_ns_ = 0;
  std::int64_t last_frame_ns_ = 0;                // the newest that could be used
  std::int64_t last_buffer_ns_ = 0;               // the newest of any kind
  std::optional<std::uint32_t> driver_sequence_;  // of the frame before
  std::uint64_t sequence_ = 0;                    // ours, of the frame before
  int bad_in_a_row_ = 0;
  std::uint64_t unusable_ = 0;  // since last_frame_ns_
  bool format_due_ = false;
  bool packet_ready_ = false;
  bool gap_ = false;  // something before the next packet is missing
};

}  // namespace campipe::capture::v4l2
