#include "serve/rtsp/demultiplexer.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace campipe::serve {
namespace {

using Got = rtsp::Demultiplexer::Got;

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string frame(int channel, const std::string& payload) {
  return std::string("$") + static_cast<char>(channel) + static_cast<char>(payload.size() >> 8) +
         static_cast<char>(payload.size() & 255) + payload;
}

/// What came, as text: "GET_PARAMETER", "$1:abc", "error".
std::vector<std::string> events(std::string_view stream, std::size_t segment) {
  std::vector<std::string> out;
  rtsp::Demultiplexer demultiplexer;
  while (!stream.empty()) {
    auto bytes = as_bytes(stream.substr(0, segment));
    stream.remove_prefix(std::min(segment, stream.size()));
    while (true) {
      const Got got = demultiplexer.next(bytes);
      if (got == Got::nothing) break;
      if (got == Got::error) return out.push_back("error"), out;
      if (got == Got::request) {
        out.push_back(demultiplexer.request().method);
      } else {
        const auto payload = demultiplexer.payload();
        out.push_back("$" + std::to_string(demultiplexer.channel()) + ":" +
                      std::string(reinterpret_cast<const char*>(payload.data()), payload.size()));
      }
    }
    EXPECT_TRUE(bytes.empty());
  }
  return out;
}

const std::string kOptions = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
const std::string kParameter = "GET_PARAMETER rtsp://h/cam RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 4\r\n\r\n$$$$";

TEST(RtspDemultiplexer, TellsRequestsFromFramesHoweverTheyAreCut) {
  const std::string stream = frame(1, "abc") + kOptions + frame(3, "") + frame(0, std::string(300, 'x')) + "\r\n" +
                             kParameter + kOptions + frame(255, "OPTIONS * RTSP/1.0\r\n\r\n");
  const std::vector<std::string> expected{"$1:abc",
                                          "OPTIONS",
                                          "$3:",
                                          "$0:" + std::string(300, 'x'),
                                          "GET_PARAMETER",
                                          "OPTIONS",
                                          "$255:OPTIONS * RTSP/1.0\r\n\r\n"};
  for (const std::size_t segment : {1U, 2U, 3U, 5U, 7U, 64U, 10'000U})
    EXPECT_EQ(events(stream, segment), expected) << segment;
}

TEST(RtspDemultiplexer, NeverTakesJunkForAMethod) {
  for (const std::size_t segment : {1U, 1000U}) {
    EXPECT_EQ(events("\x80\xC8 junk\r\n\r\n", segment), (std::vector<std::string>{"error"}));
    EXPECT_EQ(events(kOptions + std::string(5000, 'A'), segment), (std::vector<std::string>{"OPTIONS", "error"}));
    EXPECT_EQ(events("GET / HTTP/1.1\r\nHost: h\r\n\r\n", segment), (std::vector<std::string>{"error"}));
  }
}

TEST(RtspDemultiplexer, BoundsLinesHeadersAndBodies) {
  const auto request = [](const std::string& headers) {
    return "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n" + headers + "\r\n";
  };
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(events(request(many), 1000), (std::vector<std::string>{"error"}));
  EXPECT_EQ(events(request("X: " + std::string(20'000, 'y') + "\r\n"), 1000), (std::vector<std::string>{"error"}));
  EXPECT_EQ(events(request("Content-Length: 20001\r\n"), 1000), (std::vector<std::string>{"error"}));
  EXPECT_EQ(events(request("Content-Length: -5\r\n"), 1000), (std::vector<std::string>{"error"}));
  EXPECT_EQ(events("OPTIONS rtsp://h/" + std::string(5000, 'y') + " RTSP/1.0\r\n\r\n", 1000),
            (std::vector<std::string>{"error"}));
}

}  // namespace
}  // namespace campipe::serve
