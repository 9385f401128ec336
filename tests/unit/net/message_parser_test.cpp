#include "net/message_parser.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace campipe::net {
namespace {

using Dialect = MessageParser::Dialect;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

struct Outcome {
  std::vector<Request> requests;
  std::optional<ParseError> error;
};

/// Feeds `text` in pieces of `step` bytes, as a socket might.
Outcome parse(Dialect dialect, std::string_view text, std::size_t step, MessageParser::Limits limits = {}) {
  MessageParser parser(dialect, limits);
  Outcome outcome;
  while (!text.empty()) {
    std::string_view piece = text.substr(0, step);
    text.remove_prefix(piece.size());
    while (!piece.empty()) {
      const auto taken = parser.feed(bytes(piece));
      if (!taken) {
        outcome.error = taken.error();
        return outcome;
      }
      piece.remove_prefix(*taken);
      if (parser.complete()) outcome.requests.push_back(parser.take());
    }
  }
  return outcome;
}

class AnyPieces : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Steps, AnyPieces, testing::Values(1, 2, 7, 64, 100000));

TEST_P(AnyPieces, PipelinedRequestsComeOutOneByOne) {
  const auto got = parse(Dialect::http,
                         "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Long:  a b \r\n\r\nHEAD / HTTP/1.0\r\n\r\n", GetParam());
  ASSERT_FALSE(got.error);
  ASSERT_EQ(got.requests.size(), 2U);
  EXPECT_EQ(got.requests[0].method, "GET");
  EXPECT_EQ(got.requests[0].target, "/a?b=c");
  EXPECT_TRUE(got.requests[0].keep_alive);
  ASSERT_NE(got.requests[0].header("x-long"), nullptr);
  EXPECT_EQ(*got.requests[0].header("x-long"), "a b");
  EXPECT_EQ(got.requests[1].method, "HEAD");
  EXPECT_EQ(got.requests[1].minor, 0);
  EXPECT_FALSE(got.requests[1].keep_alive);
}

TEST_P(AnyPieces, RtspRequestsWithBodiesShareAConnection) {
  const auto got = parse(Dialect::rtsp,
                         "SET_PARAMETER rtsp://h:8554/cam RTSP/1.0\r\nCSeq: 4\r\nContent-Length: 3\r\n\r\nabc"
                         "DESCRIBE rtsp://h:8554/cam?codec=mjpeg RTSP/1.0\r\nCSeq: 5\r\n\r\n"
                         "OPTIONS * RTSP/1.0\r\nCSeq: 6\r\nConnection: Close\r\n\r\n",
                         GetParam());
  ASSERT_FALSE(got.error);
  ASSERT_EQ(got.requests.size(), 3U);
  EXPECT_EQ(got.requests[0].body, "abc");
  EXPECT_TRUE(got.requests[0].keep_alive);
  EXPECT_EQ(got.requests[1].target, "rtsp://h:8554/cam?codec=mjpeg");
  EXPECT_EQ(got.requests[2].target, "*");
  EXPECT_FALSE(got.requests[2].keep_alive);
}

TEST_P(AnyPieces, UnknownMethodKeepsItsHeaders) {
  const auto got = parse(
      Dialect::rtsp, "FLY rtsp://h/cam RTSP/1.0\r\nCSeq: 9\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 10\r\n\r\n", GetParam());
  ASSERT_FALSE(got.error);
  ASSERT_EQ(got.requests.size(), 2U);
  EXPECT_EQ(got.requests[0].method, "FLY");
  ASSERT_NE(got.requests[0].header("CSeq"), nullptr);
  EXPECT_EQ(*got.requests[0].header("CSeq"), "9");
  EXPECT_EQ(got.requests[1].method, "OPTIONS");
}

TEST_P(AnyPieces, UnknownMethodThatBeginsLikeAKnownOne) {
  const auto got = parse(Dialect::http, "GETTING /x HTTP/1.1\r\nA: b\r\n\r\n", GetParam());
  ASSERT_FALSE(got.error);
  ASSERT_EQ(got.requests.size(), 1U);
  EXPECT_EQ(got.requests[0].method, "GETTING");
  EXPECT_EQ(got.requests[0].target, "/x");
}

TEST_P(AnyPieces, RtspLinesMayEndInNewlinesAlone) {
  const auto got = parse(Dialect::rtsp,
                         "OPTIONS * RTSP/1.0\nCSeq: 1\n\n"
                         "SET_PARAMETER rtsp://h/cam RTSP/1.0\r\nCSeq: 2\nContent-Length: 5\n\r\na\nb\r\n"
                         "FLY rtsp://h/cam RTSP/1.0\nCSeq: 3\r\n\n"
                         "\n\r\n\nDESCRIBE rtsp://h/cam RTSP/1.0\r\nCSeq: 4\r\n\r\n",
                         GetParam());
  ASSERT_FALSE(got.error) << describe(*got.error);
  ASSERT_EQ(got.requests.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_NE(got.requests[i].header("CSeq"), nullptr) << i;
    EXPECT_EQ(*got.requests[i].header("CSeq"), std::to_string(i + 1));
  }
  EXPECT_EQ(got.requests[1].body, "a\nb\r\n") << "a body stays as it is";
  EXPECT_EQ(got.requests[2].method, "FLY");
}

TEST_P(AnyPieces, SeveralHeadersOfAListAreOne) {
  const auto got = parse(Dialect::rtsp,
                         "SETUP rtsp://h/cam RTSP/1.0\r\nTransport: a;b=1\r\nCSeq: 1\r\ntransport: c\r\n"
                         "Connection: x\r\nConnection: y , CLOSE\r\n\r\n",
                         GetParam());
  ASSERT_EQ(got.requests.size(), 1U);
  EXPECT_EQ(got.requests[0].list("Transport"), "a;b=1, c");
  EXPECT_EQ(got.requests[0].count("TRANSPORT"), 2U);
  EXPECT_EQ(got.requests[0].list("Require"), std::nullopt);
  EXPECT_FALSE(got.requests[0].keep_alive);
}

struct Bad {
  const char* what;
  Dialect dialect;
  std::string text;
  ParseError error;
};

class BadRequest : public testing::TestWithParam<Bad> {};

TEST_P(BadRequest, IsRefused) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{17}, std::size_t{1000000}}) {
    const auto got = parse(GetParam().dialect, GetParam().text, step);
    ASSERT_TRUE(got.error) << GetParam().what << " in steps of " << step;
    EXPECT_EQ(*got.error, GetParam().error) << describe(*got.error) << " in steps of " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadRequest,
    testing::Values(
        Bad{"TLS hello", Dialect::http, std::string("\x16\x03\x01\x02\x00\x01\x00", 7), ParseError::malformed},
        Bad{"no version", Dialect::http, "GET /\r\n\r\n", ParseError::bad_version},
        Bad{"HTTP/2", Dialect::http, "GET / HTTP/2.0\r\n\r\n", ParseError::bad_version},
        Bad{"HTTP/2 preface", Dialect::http, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ParseError::bad_version},
        Bad{"RTSP on HTTP", Dialect::http, "OPTIONS * RTSP/1.0\r\n\r\n", ParseError::bad_version},
        Bad{"HTTP on RTSP", Dialect::rtsp, "GET / HTTP/1.1\r\n\r\n", ParseError::bad_version},
        Bad{"RTSP/2.0", Dialect::rtsp, "OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", ParseError::bad_version},
        Bad{"space in the target", Dialect::http, "GET /a b HTTP/1.1\r\n\r\n", ParseError::malformed},
        Bad{"bare newlines", Dialect::http, "GET / HTTP/1.1\nA: b\n\n", ParseError::malformed},
        Bad{"one bare newline", Dialect::http, "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", ParseError::malformed},
        Bad{"a bare newline for the end", Dialect::http, "GET / HTTP/1.1\r\nA: b\r\n\n", ParseError::malformed},
        Bad{"method without more", Dialect::rtsp, "OPTIONS\nCSeq: 1\n\n", ParseError::malformed},
        Bad{"long line", Dialect::http, "GET /" + std::string(5000, 'a'), ParseError::line_too_long},
        Bad{"long method", Dialect::http, std::string(100, 'A') + " / HTTP/1.1\r\n\r\n", ParseError::malformed},
        Bad{"one huge header", Dialect::http, "GET / HTTP/1.1\r\nA: " + std::string(40000, 'a'),
            ParseError::headers_too_large},
        Bad{"endless empty lines", Dialect::http, std::string(60000, '\n'), ParseError::malformed},
        Bad{"negative length", Dialect::rtsp, "PLAY rtsp://h/ RTSP/1.0\r\nContent-Length: -1\r\n\r\n",
            ParseError::malformed},
        Bad{"length of 2^64", Dialect::rtsp, "PLAY rtsp://h/ RTSP/1.0\r\nContent-Length: 18446744073709551617\r\n\r\n",
            ParseError::malformed},
        Bad{"long body", Dialect::http, "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n",
            ParseError::body_too_large},
        Bad{"long chunk", Dialect::http,
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" + std::string(0x20000, 'x'),
            ParseError::body_too_large}));

TEST(MessageParser, ManyHeadersAreRefused) {
  std::string text = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 65; ++i) text += "A: b\r\n";
  text += "\r\n";
  EXPECT_EQ(parse(Dialect::http, text, 50).error, ParseError::headers_too_large);
}

TEST(MessageParser, HeadOfABadRequestCanBeQuoted) {
  MessageParser parser(Dialect::rtsp);
  EXPECT_FALSE(parser.feed(bytes("PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 7\r\nContent-Length: x\r\n\r\n")));
  EXPECT_NE(parser.head().find("CSeq: 7"), std::string_view::npos);
}

TEST(MessageParser, KnowsWhetherARequestHasBegun) {
  MessageParser parser(Dialect::http);
  EXPECT_FALSE(parser.started());
  ASSERT_TRUE(parser.feed(bytes("\r\nGE")));
  EXPECT_TRUE(parser.started());
  ASSERT_TRUE(parser.feed(bytes("T / HTTP/1.1\r\n\r\n")));
  EXPECT_TRUE(parser.complete());
  parser.take();
  EXPECT_FALSE(parser.started());
}

}  // namespace
}  // namespace campipe::net
