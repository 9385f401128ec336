#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/client.hpp"
#include "load/rtp_track.hpp"

namespace fanout {

/// RTSP 1.0: DESCRIBE, SETUP of the video, PLAY; RTP interleaved or by UDP.
class RtspClient final : public Client {
public:
  RtspClient(Shared& shared, Totals& totals, Role role, int number);
  void tick(std::int64_t now_ns) override;

private:
  enum class State { describing, setting_up, starting, playing };

  void on_connected() override;
  Read read_some(std::size_t limit) override;
  void on_datagrams(int which) override;
  void request(std::string_view method, const std::string& url, const std::string& headers);
  /// Takes whole messages off the front; how many bytes that were.
  std::size_t parse(std::span<const std::byte> bytes);
  std::size_t parse_response(std::string_view text);
  void on_response(std::string_view head, std::string_view body);
  void set_up(std::string_view head, std::string_view sdp);
  bool bind_udp();

  State state_ = State::describing;
  RtpTrack track_;
  std::string url_, base_, session_;
  int cseq_ = 0;
  std::int64_t keep_alive_ns_ = 0;
  std::vector<std::byte> tail_;  // of a message that is not complete
  campipe::Fd rtp_, rtcp_;
  Source rtp_source_, rtcp_source_;
  int rtp_port_ = 0;
};

}  // namespace fanout
