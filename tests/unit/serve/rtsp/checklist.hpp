#pragma once
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/rtsp/harness.hpp"

namespace campipe::serve::test {

/// docs/rtsp-interop.md: one test for each point, named after it.
struct RtspChecklist : ::testing::Test {
  Fixture fixture;
  Player player{fixture};
  static inline const std::string kTcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";

  void SetUp() override {
    fixture.start();
    fixture.push_gop(3);
  }

  static std::string session_of(const Reply& reply) {
    return "Session: " + reply.header("Session").substr(0, reply.header("Session").find(';')) + "\r\n";
  }
  static std::string udp(int port) {
    return "Transport: RTP/AVP;unicast;client_port=" + std::to_string(port) + "-" + std::to_string(port + 1) + "\r\n";
  }
  /// A track of /cam over TCP, set up by `who`.
  static std::string set_up(Player& who) { return session_of(who.ask("SETUP", who.url("/cam/trackID=0"), kTcp)); }
  /// Where the server takes a session's RTCP.
  static net::Address server_rtcp(const Reply& setup) {
    const std::string transport = setup.header("Transport");
    const std::string ports = transport.substr(transport.find("server_port=") + 12);
    return net::resolve_listen_address("127.0.0.1:" + std::to_string(std::stoi(ports) + 1), "");
  }
  static media::StreamFormat with_audio(media::StreamFormat format = Fixture::h264()) {
    format.audio = media::AudioFormat{media::AudioCodec::pcm_mulaw, 8000, 1, {}};
    return format;
  }
};

}  // namespace campipe::serve::test
