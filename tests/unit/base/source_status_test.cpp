#include "base/source_status.hpp"

#include <gtest/gtest.h>

namespace campipe {
namespace {

TEST(SourceStatus, TextComesBackAsItWas) {
  for (const SourceState state :
       {SourceState::unknown, SourceState::running, SourceState::resting, SourceState::lost}) {
    const SourceStatus status = source_status(state, state == SourceState::lost ? "Connection refused" : "");
    EXPECT_EQ(parse_source_status(to_text(status)), status) << to_text(status);
  }
}

TEST(SourceStatus, RefusesWhatIsNoStatus) {
  for (const char* text :
       {"", "lost", "lost ", "lost x", "gone 5", "lost -5 why", "lost 99999999999999999999 why", " lost 5"})
    EXPECT_FALSE(parse_source_status(text)) << text;
  EXPECT_EQ(parse_source_status("lost 5")->reason, "");
}

TEST(SourceStatus, AReasonIsPrintableAndFits) {
  EXPECT_EQ(source_status(SourceState::lost, std::string("a\x1b[31m\0b", 8)).reason, "a\\x1b[31m\\x00b");
  const std::string umlauts = [] {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "ü";
    return text;
  }();
  const SourceStatus cut = source_status(SourceState::lost, umlauts);
  EXPECT_EQ(cut.reason, umlauts.substr(0, 94)) << "cut between characters";
  EXPECT_EQ(source_status(SourceState::lost, std::string(200, 'x')).reason.size(), kMaxSourceReason);
}

TEST(SourceStatus, AnOutageBeginsOnce) {
  SourceStatus lost = source_status(SourceState::lost, "unplugged");
  lost.since_us = 1000;
  EXPECT_EQ(source_status_after(lost, SourceState::lost, "unplugged"), lost);
  const SourceStatus other = source_status_after(lost, SourceState::lost, "no such device");
  EXPECT_EQ(other.since_us, 1000);
  EXPECT_EQ(other.reason, "no such device");
  EXPECT_GT(source_status_after(lost, SourceState::running).since_us, 1000);
}

}  // namespace
}  // namespace campipe
