// /metrics line by line, as Prometheus' text format 0.0.4 wants it.
#include "serve/status/metrics.hpp"

#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "serve/fake_media.hpp"

namespace campipe::serve {
namespace {

using media::VideoCodec;

struct Family {
  std::string type;
  std::map<std::string, double> samples;  ///< by name and labels
};

/// The families of a text that keeps the rules: each is described once, before its samples, and in one piece; no sample
/// comes twice; names and labels are well formed.
class Exposition {
public:
  explicit Exposition(const std::string& text) {
    EXPECT_TRUE(text.ends_with('\n'));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# HELP ")) {
        begin(line);
      } else if (line.starts_with("# TYPE ")) {
        type(line);
      } else {
        sample(line);
      }
    }
  }

  const std::map<std::string, Family>& families() const { return families_; }
  double value(const std::string& key) const {
    const auto& samples = families_.at(family_of(key.substr(0, key.find('{')))).samples;
    const auto found = samples.find(key);
    EXPECT_NE(found, samples.end()) << key;
    return found == samples.end() ? NAN : found->second;
  }

private:
  void begin(const std::string& line) {
    static const std::regex kHelp(R"(# HELP (campipe_[a-z_]+) \S.*)");
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, kHelp)) << line;
    current_ = match[1];
    EXPECT_TRUE(families_.emplace(current_, Family{}).second) << "described twice: " << line;
  }
  void type(const std::string& line) {
    static const std::regex kType(R"(# TYPE (campipe_[a-z_]+) (counter|gauge|histogram))");
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, kType)) << line;
    EXPECT_EQ(match[1], current_) << "TYPE follows the HELP of the same name";
    families_[current_].type = match[2];
  }
  void sample(const std::string& line) {
    static const std::regex kSample(
        R"re((campipe_[a-z_]+)(\{([a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*)?\})? (-?[0-9.e+-]+))re");
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, kSample)) << line;
    EXPECT_EQ(family_of(match[1]), current_) << "in one piece: " << line;
    const double value = std::stod(match[5]);
    EXPECT_TRUE(std::isfinite(value)) << line;
    EXPECT_TRUE(families_[current_].samples.emplace(line.substr(0, line.rfind(' ')), value).second)
        << "twice: " << line;
  }
  /// A histogram's samples have endings.
  std::string family_of(const std::string& name) const {
    for (const std::string ending : {"_bucket", "_sum", "_count"}) {
      if (!name.ends_with(ending)) continue;
      const auto found = families_.find(name.substr(0, name.size() - ending.size()));
      if (found != families_.end() && found->second.type == "histogram") return found->first;
    }
    return name;
  }

  std::map<std::string, Family> families_;
  std::string current_;
};

class MetricsTest : public testing::Test {
protected:
  Exposition read() { return Exposition(status::metrics_text(hub_, facts_)); }

  fake::Clock clock_;
  hub::Hub hub_{{}, clock_.function()};
  status::ServerFacts facts_{.instance = "x", .started_at_us = realtime_us() - 90'000'000};
};

TEST_F(MetricsTest, AServerWithoutStreamsIsWellFormed) {
  const Exposition text = read();
  EXPECT_EQ(text.value("campipe_build_info{version=\"" CAMPIPE_VERSION "\"}"), 1);
  EXPECT_GE(text.value("campipe_uptime_seconds{}"), 90);
  EXPECT_LT(text.value("campipe_uptime_seconds{}"), 3600);
  EXPECT_EQ(text.value("campipe_clients_skipped_frames{}"), 0);
  EXPECT_TRUE(text.families().at("campipe_stream_up").samples.empty());
}

TEST_F(MetricsTest, CountsWhatCameIntoEachStream) {
  hub::Stream& cam = hub_.add_stream("cam", "");
  hub::Stream& low = hub_.add_stream("garden", "low");
  hub_.add_stream("new", "");
  cam.set_format(fake::format(VideoCodec::mjpeg));
  low.set_format(fake::format(VideoCodec::h264));
  for (int i = 0; i < 10; ++i) cam.push(fake::picture(i, i % 5 == 0, 100));
  low.push(fake::picture(0, true, 7));
  low.count_dropped(3);
  clock_.now_ns += 1'500'000'000;
  const Exposition text = read();
  const std::string kCam = R"({stream="cam",rendition="",codec="mjpeg"})";
  const std::string kLow = R"({stream="garden",rendition="low",codec="h264"})";
  const std::string kNew = R"({stream="new",rendition="",codec="unknown"})";
  EXPECT_EQ(text.value("campipe_stream_frames_total" + kCam), 10);
  EXPECT_EQ(text.value("campipe_stream_keyframes_total" + kCam), 2);
  EXPECT_EQ(text.value("campipe_stream_bytes_total" + kCam), 1000);
  EXPECT_EQ(text.value("campipe_stream_up" + kCam), 1);
  EXPECT_EQ(text.value("campipe_stream_age_seconds" + kCam), 1.5);
  EXPECT_EQ(text.value("campipe_stream_frames_total" + kLow), 1);
  EXPECT_EQ(text.value("campipe_stream_bytes_total" + kLow), 7);
  EXPECT_EQ(text.value("campipe_stream_dropped_frames_total" + kLow), 3);
  EXPECT_EQ(text.value("campipe_stream_up" + kNew), 0);
  EXPECT_EQ(text.value("campipe_stream_frames_total" + kNew), 0);
  EXPECT_EQ(text.families().at("campipe_stream_age_seconds").samples.count("campipe_stream_age_seconds" + kNew), 0U)
      << "no frame has no age";
  clock_.now_ns += 60'000'000'000;
  EXPECT_EQ(read().value("campipe_stream_up" + kCam), 0) << "stalled";
}

TEST_F(MetricsTest, CountsClientsAndHowFarTheyAreBehind) {
  hub::Stream& cam = hub_.add_stream("cam", "");
  cam.set_format(fake::format(VideoCodec::mjpeg));
  const std::string kLabels = R"(stream="cam",rendition="",codec="mjpeg")";
  {
    fake::Taker one(cam, {}), two(cam, {});
    two.stuck = true;
    for (int i = 0; i < 4; ++i) cam.push(fake::picture(i));
    const Exposition text = read();
    EXPECT_EQ(text.value("campipe_clients{" + kLabels + ",protocol=\"test\"}"), 2);
    EXPECT_EQ(text.value("campipe_clients_worst_lag_seconds{}"), static_cast<double>(two.lag_us()) / 1e6);
    EXPECT_EQ(text.value("campipe_stream_wanted{" + kLabels + "}"), 1);
  }
  EXPECT_TRUE(read().families().at("campipe_clients").samples.empty());
  EXPECT_EQ(read().value("campipe_stream_wanted{" + kLabels + "}"), 0);
}

TEST_F(MetricsTest, HistogramsAreCumulativeAndAgreeWithTheirCount) {
  hub::Stream& cam = hub_.add_stream("cam", "");
  cam.set_format(fake::format(VideoCodec::mjpeg));
  hub::Delivered& delivered = cam.deliveries().of(hub::Protocol::rtsp_udp);
  delivered.clients = 1;
  for (const std::int64_t us : {10, 60, 70, 2'000, 3'000'000, 99'000'000}) delivered.delay.add_us(us);
  const Exposition text = read();
  const std::string labels = R"(stream="cam",rendition="",codec="mjpeg",protocol="rtsp-udp")";
  const auto bucket = [&](const std::string& le) {
    return text.value("campipe_client_delay_seconds_bucket{" + labels + ",le=\"" + le + "\"}");
  };
  EXPECT_EQ(bucket("5e-05"), 1);
  EXPECT_EQ(bucket("0.0001"), 3);
  EXPECT_EQ(bucket("0.0025"), 4);
  EXPECT_EQ(bucket("5"), 5);
  EXPECT_EQ(bucket("10"), 5);
  EXPECT_EQ(bucket("+Inf"), 6);
  EXPECT_EQ(text.value("campipe_client_delay_seconds_count{" + labels + "}"), 6);
  EXPECT_NEAR(text.value("campipe_client_delay_seconds_sum{" + labels + "}"), 102.002140, 1e-6);
  double last = 0;
  for (const std::int64_t bound : hub::Histogram::kBoundsUs) {
    std::ostringstream le;
    le << static_cast<double>(bound) / 1e6;
    EXPECT_GE(bucket(le.str()), last) << bound;
    last = bucket(le.str());
  }
}

TEST_F(MetricsTest, ProtocolsWithoutAClientAreLeftOut) {
  hub::Stream& cam = hub_.add_stream("cam", "");
  cam.set_format(fake::format(VideoCodec::mjpeg));
  EXPECT_TRUE(read().families().at("campipe_delivered_frames_total").samples.empty());
  cam.deliveries().of(hub::Protocol::http_mjpeg) = {.clients = 2, .frames = 5, .bytes = 50, .send_calls = 6};
  const Exposition text = read();
  const std::string labels = R"({stream="cam",rendition="",codec="mjpeg",protocol="http-mjpeg"})";
  EXPECT_EQ(text.families().at("campipe_delivered_frames_total").samples.size(), 1U);
  EXPECT_EQ(text.value("campipe_delivered_clients_total" + labels), 2);
  EXPECT_EQ(text.value("campipe_delivered_frames_total" + labels), 5);
  EXPECT_EQ(text.value("campipe_delivered_bytes_total" + labels), 50);
  EXPECT_EQ(text.value("campipe_send_calls_total" + labels), 6);
}

TEST_F(MetricsTest, WhatIsCountedByTheWayIsInFamiliesOfOnePieceEach) {
  hub_.count("http_responses_total{status=\"200\"}", 3);
  hub_.count("clients_closed_total{protocol=\"rtsp\",reason=\"stuck\"}");
  hub_.count("http_responses_total{status=\"404\"}");
  hub_.count("clients_closed_total{protocol=\"http\",reason=\"kicked\"}");
  const Exposition text = read();
  EXPECT_EQ(text.value("campipe_http_responses_total{status=\"200\"}"), 3);
  EXPECT_EQ(text.families().at("campipe_http_responses_total").samples.size(), 2U);
  EXPECT_EQ(text.families().at("campipe_clients_closed_total").samples.size(), 2U);
}

TEST_F(MetricsTest, NamesOfCountersEndInTotalAndOnlyTheirs) {
  hub::Stream& cam = hub_.add_stream("cam", "");
  cam.set_format(fake::format(VideoCodec::mjpeg));
  hub_.count("http_responses_total{status=\"200\"}");
  const Exposition exposition = read();
  for (const auto& [name, family] : exposition.families()) {
    EXPECT_EQ(family.type == "counter", name.ends_with("_total")) << name;
  }
}

}  // namespace
}  // namespace campipe::serve
