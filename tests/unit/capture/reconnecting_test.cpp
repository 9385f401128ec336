#include "capture/reconnecting.hpp"

#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace campipe::capture {
namespace {

using ::testing::ElementsAre;

/// A source that does what a script says; its waits end at once.
class ScriptedSource : public Source {
public:
  std::deque<std::optional<ExitCode>> opens;  ///< each open(): fails with this code, or works
  std::deque<Pull> pulls;
  int opened = 0, closed = 0, waited = 0;

  void open() override {
    ++opened;
    if (opens.empty()) return;
    const auto code = opens.front();
    opens.pop_front();
    if (code) throw Error(*code, "fake: not now");
  }
  Pull next() override {
    packet_ = {};
    const Pull pull = pulls.empty() ? Pull::end : pulls.front();
    if (!pulls.empty()) pulls.pop_front();
    return pull;
  }
  void close() noexcept override { ++closed; }
  const media::StreamFormat& format() const override { return format_; }
  media::Packet& packet() override { return packet_; }
  const std::string& loss() const override { return name_; }
  const std::string& name() const override { return name_; }
  bool is_live() const override { return true; }
  SourceStats stats() const override { return {}; }
  Wake wait_for_return(const Host& host, std::int64_t) override {
    ++waited;
    return stopping(host) ? Wake::stopped : Wake::ready;
  }

private:
  std::string name_ = "fake";
  media::StreamFormat format_;
  media::Packet packet_;
};

struct Rig {
  Fd stop{::eventfd(0, EFD_CLOEXEC)};
  ScriptedSource* inner = nullptr;
  std::vector<SourceState> states;
  std::vector<std::string> reasons;
  std::unique_ptr<Reconnecting> source;

  explicit Rig(Reconnecting::Options options = {}) {
    auto scripted = std::make_unique<ScriptedSource>();
    inner = scripted.get();
    source = std::make_unique<Reconnecting>(std::move(scripted), options, Host{stop.get(), {}});
    source->tell_status([this](const SourceStatus& status) {
      states.push_back(status.state);
      reasons.push_back(status.reason);
    });
  }
  void ask_to_stop() const {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(stop.get(), &one, sizeof one), 8);
  }
};

TEST(Reconnecting, OpensALostSourceAgainAndFlagsWhatFollows) {
  Rig rig;
  rig.inner->opens = {std::nullopt, ExitCode::no_input, ExitCode::try_again, std::nullopt};
  rig.inner->pulls = {Pull::format, Pull::packet, Pull::lost, Pull::packet, Pull::packet};
  rig.source->open();
  EXPECT_EQ(rig.source->next(), Pull::format);
  EXPECT_EQ(rig.source->next(), Pull::packet);
  EXPECT_FALSE(rig.source->packet().discontinuity);
  EXPECT_EQ(rig.source->next(), Pull::packet);
  EXPECT_TRUE(rig.source->packet().discontinuity);
  EXPECT_EQ(rig.source->next(), Pull::packet);
  EXPECT_FALSE(rig.source->packet().discontinuity);
  EXPECT_EQ(rig.inner->opened, 4);
  EXPECT_EQ(rig.inner->waited, 3);
  EXPECT_THAT(rig.states,
              ElementsAre(SourceState::running, SourceState::lost, SourceState::lost, SourceState::running));
  EXPECT_THAT(rig.reasons, ElementsAre("", "fake", "not now", ""));
  EXPECT_EQ(rig.source->reconnections(), 1U);
}

TEST(Reconnecting, FailsAtOnceWhenTheFirstOpenDoes) {
  Rig rig;
  rig.inner->opens = {ExitCode::no_input};
  EXPECT_THROW(rig.source->open(), Error);
}

TEST(Reconnecting, WaitsForASourceThatIsNotThereYet) {
  Rig rig({.wait_at_start = true});
  rig.inner->opens = {ExitCode::no_input, ExitCode::unavailable, std::nullopt};
  rig.inner->pulls = {Pull::format, Pull::packet};
  rig.source->open();
  EXPECT_THAT(rig.states, ElementsAre(SourceState::lost));
  EXPECT_EQ(rig.source->next(), Pull::format);
  EXPECT_THAT(rig.states, ElementsAre(SourceState::lost)) << "it is back with its first frame, not when it opens";
  EXPECT_EQ(rig.source->next(), Pull::packet);
  EXPECT_THAT(rig.states, ElementsAre(SourceState::lost, SourceState::running));
}

TEST(Reconnecting, GivesUpOnWhatWillNotPass) {
  for (const ExitCode code : {ExitCode::permission, ExitCode::bad_data, ExitCode::usage}) {
    Rig rig({.wait_at_start = true});
    rig.inner->opens = {ExitCode::no_input, code};
    rig.source->open();
    EXPECT_THROW(rig.source->next(), Error);
  }
}

TEST(Reconnecting, EndsAWaitWhenAskedToStop) {
  Rig rig({.wait_at_start = true});
  rig.inner->opens = {ExitCode::no_input, ExitCode::no_input};
  rig.source->open();
  rig.ask_to_stop();
  EXPECT_EQ(rig.source->next(), Pull::stopped);
}

TEST(Reconnecting, AnswersTheLossWhereItShallNotReconnect) {
  Rig rig({.reconnect = false});
  rig.inner->pulls = {Pull::format, Pull::lost};
  rig.source->open();
  EXPECT_EQ(rig.source->next(), Pull::format);
  EXPECT_EQ(rig.source->next(), Pull::lost);
}

}  // namespace
}  // namespace campipe::capture
