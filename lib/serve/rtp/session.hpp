#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"
#include "rtp/sender.hpp"
#include "serve/access/client_lines.hpp"
#include "serve/hub/cursor.hpp"
#include "serve/hub/deliveries.hpp"
#include "serve/hub/hub.hpp"
#include "serve/rtp/output.hpp"
#include "serve/rtp/receiver_quality.hpp"
#include "serve/rtp/tracks.hpp"

namespace campipe::serve::rtp {

/// Where a player of inter-coded video begins. JPEG begins with the newest picture, whichever it is.
enum class Join {
  idr,   ///< with one that is asked for, where somebody can be asked; else, and when none comes at once, as gop
  gop,   ///< with the newest there is, and all since
  wait,  ///< with the next that comes by itself
};

/// One client's playing of one stream, from the first SETUP to TEARDOWN. Knows no request and no socket: a connection
/// turns requests into these calls, an output takes the packets. For the loop's thread; each call but the destructor
/// may be made from on_units_available().
class Session : public hub::Client {
public:
  enum class State { ready, playing, ended };

  struct Options {
    std::size_t max_payload = campipe::rtp::kDefaultMaxPayload;
    hub::LagPolicy lag;
    Join join = Join::idr;
    std::int64_t idr_wait_ms = 250;   ///< what an IDR that was asked for may take to come
    std::int64_t idr_young_ms = 250;  ///< one of less age needs no asking
    std::int64_t report_interval_ms = 5000;
    access::ClientLines* lines = nullptr;  ///< where what is logged of single clients goes; must outlive this
  };
  struct Peer {
    std::string address;
    std::string cname;  ///< ours, for RTCP
  };
  /// @param reason  what metrics call it: "stream_ended", "format_changed".
  using OnEnded = std::function<void(std::string_view reason)>;

  /// @param stream    with a format.
  /// @param on_ended  the session is over by itself, all packets and BYE are handed to the output. May not destroy it.
  Session(net::Loop& loop, hub::Hub& hub, hub::Stream& stream, std::string id, LowerTransport lower, Peer peer,
          Options options, OnEnded on_ended);

  const std::string& id() const noexcept { return id_; }
  hub::Stream& stream() const noexcept { return *stream_; }
  LowerTransport lower() const noexcept { return lower_; }
  State state() const noexcept { return state_; }
  const std::vector<TrackInfo>& tracks() const noexcept { return infos_; }
  bool is_set_up(std::size_t track) const noexcept { return tracks_[track].has_value(); }
  bool any_set_up() const noexcept;
  bool has_played() const noexcept { return has_played_; }
  /// The stream still has the tracks that this session was made for, as they were. Audio that went away only falls
  /// silent; audio that came is for those who come after it.
  bool is_current() const;

  void set_output(std::unique_ptr<Output> output) { output_ = std::move(output); }
  bool has_output() const noexcept { return output_ != nullptr; }
  Output& output() noexcept { return *output_; }

  /// @param control  the URL of the SETUP request: what RTP-Info calls the track.
  /// Returns its SSRC. The output must know where to send it.
  std::uint32_t set_up(std::size_t track, std::string control);

  /// Takes its place in the stream and answers the RTP-Info header's value (empty when playing already): rtptime is
  /// left out where the first packet is still to come. Nothing is sent before start(), so that the answer goes first.
  std::string play();
  void start();
  void pause();

  /// Sends what there is, as far as the output takes it.
  void pump();
  /// An RTCP packet of the client; what it is not is ignored.
  void on_rtcp(std::span<const std::byte> packet);
  /// Once a second: reports that are due.
  void tick(std::int64_t now_ms);
  /// Over by our will: RTCP BYE on all tracks, on_ended, and nothing after it.
  void end(std::string_view reason) override;
  /// Ends it without a BYE: its output may be in the middle of a packet.
  void on_fault() override;

  // Client
  void on_units_available() override { pump(); }
  void on_format_changed() override;
  void on_stream_ended() override;
  std::string_view protocol() const override;
  std::string peer() const override { return peer_.address; }
  std::int64_t connected_at_us() const override { return connected_at_us_; }
  std::int64_t lag_us() const override { return cursor_.lag_us(); }
  hub::ClientCounters counters() const override { return cursor_.counters(); }
  /// Of the video, or of the only track that was reported on.
  std::optional<hub::ReceiverQuality> quality() const override;

private:
  struct Track {
    std::unique_ptr<campipe::rtp::Packetizer> packetizer;
    campipe::rtp::RtpSender sender;
    std::string control;
    ReceiverQuality quality;
    std::int64_t next_report_ms = 0;
  };
  std::size_t track_of(const hub::Unit& unit) const noexcept { return unit.is_video() ? 0 : 1; }
  void take_place();
  bool is_young(const hub::Unit& unit) const;
  /// The first of those to come that can be sent to this client.
  hub::UnitPtr first_unit();
  std::string rtp_info() const;
  void send(hub::UnitPtr unit);
  /// Counts the unit under way once the kernel has all of it.
  void settle();
  void want_sound();
  void make_packetizers();
  /// @param at_us  the instant, on the stream's clock, of which it tells the RTP time.
  void report(std::size_t index, std::int64_t now_ms, std::int64_t at_us);
  void goodbye();
  std::int64_t stream_now_us() const;
  void refused(campipe::rtp::RtpError error);

  net::Loop& loop_;
  hub::Hub& hub_;
  std::shared_ptr<hub::Stream> stream_;
  std::string id_;
  LowerTransport lower_;
  Peer peer_;
  Options options_;
  OnEnded on_ended_;
  std::int64_t connected_at_us_;
  media::VideoFormat video_;
  std::vector<TrackInfo> infos_;
  std::vector<std::optional<Track>> tracks_;
  std::unique_ptr<Output> output_;
  std::vector<std::byte> rtcp_;  // the newest sender report
  hub::Cursor cursor_;
  hub::DeliveryMeter meter_;
  hub::UnitPtr first_;                  // taken by play(), not yet sent
  std::optional<net::Timer> idr_wait_;  // for the one that was asked for
  State state_ = State::ready;
  bool started_ = false, stream_ended_ = false, told_refusal_ = false, has_played_ = false, sends_video_ = false;
  hub::Attachment attachment_;
  hub::Wish sound_;  // of the stream whose audio goes along
};

}  // namespace campipe::serve::rtp
