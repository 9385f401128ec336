#include "record/library/ages.hpp"

#include <gtest/gtest.h>

namespace campipe::record::library {
namespace {

using segment::Moment;

constexpr std::int64_t kOneHourUs = 3'600'000'000;
constexpr std::int64_t kOneDayUs = 24 * kOneHourUs;
constexpr std::int64_t kTodayUs = 1'763'683'200'000'000;
constexpr std::int64_t k1970 = 0;
constexpr std::int64_t kIn2038Us = 2'147'483'647'000'000;

/// Times in hours before today.
Moment synced(const char* boot, double hours_ago, std::int64_t monotonic_h = 0, std::int64_t off_us = 0) {
  return {.unix_us = kTodayUs - static_cast<std::int64_t>(hours_ago * 3600) * 1'000'000 + off_us,
          .trusted = true,
          .boot = boot,
          .monotonic_us = monotonic_h * kOneHourUs};
}
Moment unsynced(const char* boot, std::int64_t unix_us, std::int64_t monotonic_h) {
  return {.unix_us = unix_us, .trusted = false, .boot = boot, .monotonic_us = monotonic_h * kOneHourUs};
}

Moment in_2038(std::int64_t monotonic_h) {
  return {.unix_us = kIn2038Us + monotonic_h * kOneHourUs,
          .trusted = true,
          .boot = "e",
          .monotonic_us = monotonic_h * kOneHourUs};
}

TEST(RecordedTimes, ClockHistories) {
  const auto none = std::optional<std::int64_t>();
  struct Case {
    const char* name;
    std::vector<Moment> files;
    Moment now;
    std::vector<std::optional<std::int64_t>> hours_ago;
  };
  const Moment today = synced("b", 0, 100);
  const std::vector<Case> cases = {
      {"nothing recorded", {}, today, {}},
      {"right clocks", {synced("a", 50, 1), synced("a", 49, 2), synced("b", 3, 97)}, today, {50, 49, 3}},
      {"1970 and never set", {synced("a", 50, 1), synced("a", 49, 2), unsynced("c", k1970, 1)}, today, {50, 49, none}},
      {"1970 and never set, then another boot", {unsynced("c", k1970, 1), synced("b", 3, 97)}, today, {3, 3}},
      {"1970, set in the same boot",
       {unsynced("c", k1970, 1), unsynced("c", k1970, 2), synced("c", 10, 5), synced("c", 9, 6)},
       today,
       {14, 13, 10, 9}},
      {"nine days behind in this boot",
       {unsynced("b", kTodayUs - 9 * kOneDayUs, 98), unsynced("b", kTodayUs, 99)},
       today,
       {2, 1}},
      {"synchronised and yet nine days behind, set in the same boot",
       {synced("c", 20, 1, -9 * kOneDayUs), synced("c", 18, 3)},
       today,
       {20, 18}},
      {"synchronised and nine days behind to the end: no older than what was before",
       {synced("a", 30, 1), synced("a", 29, 2), synced("c", 20, 1, -9 * kOneDayUs), synced("c", 19, 2, -9 * kOneDayUs)},
       today,
       {30, 29, 29, 29}},
      {"synchronised for less than an hour: not believed",
       {synced("a", 30, 1), synced("a", 29, 2), synced("c", 20, 1), synced("b", 3, 97)},
       today,
       {30, 29, 3, 3}},
      {"synchronised in 2038: it does not count",
       {synced("a", 30, 1), synced("a", 29, 2), in_2038(1), in_2038(2), synced("b", 3, 97)},
       today,
       {30, 29, 3, 3, 3}},
      {"three hours ahead: what follows is as young",
       {synced("a", 30, 1), synced("a", 29, 2), synced("c", 20, 1, 3 * kOneHourUs), synced("c", 19, 2, 3 * kOneHourUs),
        synced("d", 18, 1), synced("d", 17, 2)},
       today,
       {30, 29, 17, 16, 16, 16}},
      {"no index: dates that agree with names",
       {{.unix_us = kTodayUs - 9 * kOneHourUs, .trusted = true, .boot = {}}, synced("b", 3, 97)},
       today,
       {9, 3}},
      {"no index: dates that do not",
       {{.unix_us = kTodayUs - 9 * kOneHourUs, .trusted = false, .boot = {}}, synced("b", 3, 97)},
       today,
       {3, 3}},
  };
  for (const Case& c : cases) {
    const auto times = recorded_us(c.files, c.now);
    ASSERT_EQ(times.size(), c.files.size()) << c.name;
    for (std::size_t i = 0; i < times.size(); ++i) {
      std::optional<std::int64_t> hours;
      if (times[i]) hours = (c.now.unix_us - *times[i]) / kOneHourUs;
      EXPECT_EQ(hours, c.hours_ago[i]) << c.name << ": file " << i;
    }
  }
}

TEST(RecordedTimes, SilenceIsTheTimeBeforeThisBootsFirstFile) {
  const Moment now = synced("b", 0, 100);
  const auto silence = [&](const std::vector<Moment>& files) {
    return silence_before_boot_us(files, recorded_us(files, now), now) / kOneHourUs;
  };
  EXPECT_EQ(silence({}), 0);
  EXPECT_EQ(silence({synced("a", 51, 1), synced("a", 50, 2)}), 50);
  EXPECT_EQ(silence({synced("a", 51, 1), synced("a", 50, 2), synced("b", 20, 80), synced("b", 1, 99)}), 30);
  EXPECT_EQ(silence({synced("a", 51, 1), synced("a", 50, 2), unsynced("c", k1970, 1)}), 50);
  EXPECT_EQ(silence({synced("b", 90, 10), synced("b", 1, 99)}), 0);
  EXPECT_EQ(silence({unsynced("a", k1970, 1)}), 0);
}

TEST(ClockTrial, BelievesAtOnceWhatDeletesNotAll) {
  ClockTrial trial;
  EXPECT_TRUE(trial.believed(synced("b", 0), 0, kOneDayUs));
  EXPECT_TRUE(trial.believed(synced("b", 0), kOneDayUs, kOneDayUs));
  EXPECT_FALSE(trial.believed(unsynced("b", kTodayUs, 0), 0, kOneDayUs));
}

TEST(ClockTrial, ALongSilenceTakesAnHourOfASteadyClock) {
  ClockTrial trial;
  const auto at = [&](std::int64_t minutes, std::int64_t off_us) {
    const Moment now{.unix_us = kTodayUs + minutes * 60'000'000 + off_us,
                     .trusted = true,
                     .boot = "b",
                     .monotonic_us = minutes * 60'000'000};
    return trial.believed(now, 10 * kOneDayUs, kOneDayUs);
  };
  EXPECT_FALSE(at(0, 0));
  EXPECT_FALSE(at(59, 0));
  EXPECT_TRUE(at(60, 1'000'000));
  EXPECT_FALSE(at(61, -9 * kOneDayUs)) << "it was set";
  EXPECT_FALSE(at(120, -9 * kOneDayUs));
  EXPECT_TRUE(at(121, -9 * kOneDayUs));
  EXPECT_FALSE(trial.believed(unsynced("b", kTodayUs, 3), 10 * kOneDayUs, kOneDayUs));
  EXPECT_FALSE(at(122, -9 * kOneDayUs)) << "it was not synchronised meanwhile";
}

}  // namespace
}  // namespace campipe::record::library
