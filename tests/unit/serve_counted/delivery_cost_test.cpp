// What the delivery of a frame to one client more costs, in counters that are the same on every machine: system calls
// that send, and blocks of memory.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "serve_counted/allocations.hpp"
#include "serve_counted/send_calls.hpp"
#include "serve_counted/viewers.hpp"

namespace campipe::serve::test {
namespace {

constexpr int kGop = 30;
constexpr int kWarmUp = 2 * kGop;   // until each buffer has held a keyframe and a sender report
constexpr int kFrames = 10 * kGop;  // 10 s: each RTSP client gets two sender reports more
constexpr std::size_t kClients = 20;
constexpr double kMostCalls = 1.1;  // per frame and client; a UDP keyframe of 60 kB takes two, a report one

struct Cost {
  std::uint64_t delivered = 0, send_calls = 0, allocations = 0;
  std::uint64_t told_send_calls = 0;  ///< by the server's own counter
};

/// Of kFrames frames with `count` clients. Only the server's own work is counted, not what the clients do.
Cost measure(hub::Protocol protocol, std::size_t count) {
  Site site;
  const auto viewers = make_viewers(site, protocol, count);
  const hub::Delivered& told = site.stream_of(protocol).deliveries().of(protocol);
  Cost cost;
  hub::Delivered before;
  for (int frame = 0; frame < kWarmUp + kFrames; ++frame) {
    if (frame == kWarmUp) {
      cost = {};
      before = told;
    }
    const std::uint64_t calls = send_calls(), blocks = allocations();
    site.push(protocol, frame % kGop == 0);
    site.rtsp.pass(std::chrono::milliseconds(33));
    cost.send_calls += send_calls() - calls;
    cost.allocations += allocations() - blocks;
    for (const auto& viewer : viewers) viewer->read(site.pushed_bytes);
    if (testing::Test::HasFatalFailure()) return {};
  }
  cost.delivered = told.frames - before.frames;
  cost.told_send_calls = told.send_calls - before.send_calls;
  return cost;
}

class DeliveryCost : public testing::TestWithParam<hub::Protocol> {
protected:
  DeliveryCost() {
    std::signal(SIGPIPE, SIG_IGN);  // as cli::run() does
    log::init({.tool = "unit_serve_counted", .level = log::Level::error});
  }
  ~DeliveryCost() override { log::init({}); }
};

TEST_P(DeliveryCost, FrameIsOneSendCallToEachClient) {
  const Cost cost = measure(GetParam(), kClients);
  ASSERT_EQ(cost.delivered, kFrames * kClients);
  const double calls = static_cast<double>(cost.send_calls) / static_cast<double>(cost.delivered);
  RecordProperty("send_calls", std::to_string(calls));
  EXPECT_GE(calls, 1.0) << "the calls are not counted";
  EXPECT_LE(calls, kMostCalls);
  EXPECT_EQ(cost.told_send_calls, cost.send_calls) << "campipe_send_calls_total is not what is called";
}

TEST_P(DeliveryCost, ClientMoreIsNoAllocationMore) {
  const Cost one = measure(GetParam(), 1), many = measure(GetParam(), 1 + kClients);
  ASSERT_EQ(many.delivered, kFrames * (1 + kClients));
  EXPECT_GT(one.allocations, static_cast<std::uint64_t>(kFrames)) << "allocations are not counted";  // the frames
  EXPECT_EQ(many.allocations, one.allocations);
}

INSTANTIATE_TEST_SUITE_P(Protocols, DeliveryCost,
                         testing::Values(hub::Protocol::http_mjpeg, hub::Protocol::rtsp_tcp, hub::Protocol::rtsp_udp),
                         [](const auto& one) {
                           std::string text(hub::name(one.param));
                           std::ranges::replace(text, '-', '_');
                           return text;
                         });

}  // namespace
}  // namespace campipe::serve::test
