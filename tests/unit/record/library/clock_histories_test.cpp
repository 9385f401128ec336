// A simulator: machines whose clocks are wrong in all ways that are known, and what retention deletes on them. All in
// memory. A deletion is wrong when it is
//   - by --keep, of a file recorded a shorter time ago than that, less kTolerance (what a synchronised clock may be
//   off);
//   - by --max-size or --min-free, while a file that was recorded earlier stays.
// What no recorder can know is left out: a clock that calls itself synchronised and is wrong for over an hour.
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "record/library/retention.hpp"

namespace campipe::record::library {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kHourUs = 3600 * kSecondUs;
constexpr std::int64_t kDayUs = 24 * kHourUs;
constexpr std::int64_t kTolerance = 10 * kSecondUs;
constexpr std::int64_t k2038 = 2'147'483'647'000'000;

/// A boot's clock: off by `wrong_us` until it is set after `set_after_us`.
struct Boot {
  std::string id;
  std::int64_t began_us = 0;  // true time
  std::int64_t wrong_us = 0;
  std::int64_t set_after_us = 0;  // of monotonic time
  bool lies = false;              // synchronised also while it is wrong
};

class Machine {
public:
  Machine(std::uint64_t seed, Limits limits) : random_(seed), limits_(limits) {}

  void live() {
    const int boots = number(2, 5);
    for (int i = 0; i < boots; ++i) {
      true_us_ += number(0, 3) == 0 ? number(1, 20) * kDayUs : number(1, 300) * 60 * kSecondUs;  // off
      start();
      const int runs = number(1, 3);
      for (int run = 0; run < runs; ++run) record();
    }
  }

  int deleted = 0, wrong = 0, published = 0;
  std::string first_wrong;
  /// Of the files that are older than --keep at the end those that stay, when the clock is right at the end.
  int overdue = 0;

private:
  struct Truth {
    std::int64_t recorded_us = 0;
    std::uint64_t number = 0;
  };

  int number(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
  std::int64_t monotonic_us() const { return true_us_ - boot_.began_us; }
  bool wrong_now() const { return monotonic_us() < boot_.set_after_us; }
  std::int64_t clock_us() const { return true_us_ + (wrong_now() ? boot_.wrong_us : 0); }
  bool trusted() const { return boot_.lies || !wrong_now(); }

  void start() {
    boot_ = Boot{.id = fmt::format("b{}", ++boots_), .began_us = true_us_};
    const std::int64_t never = 1000 * kDayUs;
    const std::int64_t later = number(0, 600) * 60 * kSecondUs;
    switch (number(0, 7)) {
      case 0:
        break;  // right
      case 1:
        boot_.wrong_us = -true_us_;
        break;  // 1970
      case 2:
        boot_.wrong_us = -9 * kDayUs;
        break;  // the last time the machine saw
      case 3:
        boot_.wrong_us = k2038 - true_us_;
        break;
      case 4:
        boot_.wrong_us = number(-400, 400) * kDayUs;
        break;  // a clock chip of its own mind
      case 5:
        boot_.wrong_us = number(-300, 300) * 60 * kSecondUs;
        break;
      case 6:  // calls itself synchronised, years ahead, for a part of an hour
        boot_.wrong_us = number(60, 4000) * kDayUs;
        boot_.lies = true;
        break;
      default:  // the same, behind
        boot_.wrong_us = -number(1, 400) * kDayUs;
        boot_.lies = true;
    }
    boot_.set_after_us = boot_.lies ? number(1, 55) * 60 * kSecondUs : (number(0, 4) == 0 ? never : later);
  }

  void record() {
    // The stream's clock is set when camgrab starts, which may be long before.
    const std::int64_t stream_off = number(0, 2) == 0 ? number(-400, 400) * kDayUs : clock_us() - true_us_;
    const std::string run = fmt::format("{:04x}", number(0, 65535));
    Retention retention(limits_, nowhere_, catalogue_, index_, world());
    retention.run(0);
    const int segments = number(1, 60);
    const std::int64_t length = number(1, 12) * 10 * 60 * kSecondUs;
    for (int i = 1; i <= segments; ++i) {
      true_us_ += length;
      publish(stream_off, run, static_cast<std::uint32_t>(i));
      retention.run(0);
    }
    count_overdue();
  }

  void publish(std::int64_t stream_off, const std::string& run, std::uint32_t sequence) {
    const std::int64_t begin_us = std::clamp<std::int64_t>(true_us_ + stream_off, 0, k2038);
    const segment::SegmentName name{
        .start_ms = begin_us / 1000, .run = run, .sequence = sequence, .container = segment::Container::mp4};
    Published segment{.name = name, .bytes = static_cast<std::uint64_t>(number(1, 9))};
    segment.stamp = {
        .order = catalogue_.next_order(),
        .at = {.unix_us = clock_us(), .trusted = trusted(), .boot = boot_.id, .monotonic_us = monotonic_us()}};
    truth_[to_string(name)] = {.recorded_us = true_us_, .number = static_cast<std::uint64_t>(++published)};
    catalogue_.add(segment);
  }

  Retention::World world() {
    return {
        .now_us = [this] { return clock_us(); },
        .clock_trusted = [this] { return trusted(); },
        .space =
            [this] {
              const auto used = static_cast<std::int64_t>(catalogue_.total_bytes());
              return std::optional(Space{.total_bytes = 1000, .free_bytes = std::max<std::int64_t>(0, 1000 - used)});
            },
        .monotonic_ns = [this] { return monotonic_us() * 1000; },
        .boot = boot_.id,
        .pinned = [](const Published&) { return false; },
        .remove = [this](const Published& segment) { return judge(segment); },
        .read = [] {}};
  }

  int judge(const Published& segment) {
    const auto found = truth_.find(to_string(segment.name));
    const Truth truth = found->second;
    truth_.erase(found);
    ++deleted;
    const std::int64_t age = true_us_ - truth.recorded_us;
    const bool old = limits_.keep.count() > 0 && age > limits_.keep / 1us - kTolerance;
    bool first = limits_.max_bytes > 0 || limits_.min_free.bytes > 0;
    for (const auto& [name, other] : truth_) first = first && other.number > truth.number;
    if (old || first) return 0;
    if (++wrong == 1) {
      first_wrong = fmt::format("file {} of {}, {} h old, boot {} off {} s until {} s", truth.number, published,
                                age / kHourUs, boot_.id, boot_.wrong_us / kSecondUs, boot_.set_after_us / kSecondUs);
    }
    return 0;
  }

  void count_overdue() {
    overdue = 0;
    if (limits_.keep.count() == 0 || wrong_now() || monotonic_us() < 2 * kHourUs) return;
    for (const auto& [name, truth] : truth_) overdue += true_us_ - truth.recorded_us > limits_.keep / 1us + kHourUs;
  }

  std::mt19937_64 random_;
  Limits limits_;
  std::int64_t true_us_ = 1'763'683'200'000'000;
  int boots_ = 0;
  Boot boot_;
  segment::Folder nowhere_;
  segment::Index index_{nowhere_};
  Catalogue catalogue_{nowhere_};
  std::map<std::string, Truth> truth_;  // of the files that are there
};

TEST(ClockHistories, RetentionDeletesNothingBecauseAClockWasWrong) {
  log::init({.tool = "unit_record", .level = log::Level::error});
  const std::vector<std::pair<const char*, Limits>> all = {
      {"keep 1d", {.keep = 24h}},
      {"keep 7d", {.keep = 7 * 24h}},
      {"max-size", {.max_bytes = 200}},
      {"min-free", {.min_free = {.bytes = 700}}},
      {"all", {.keep = 3 * 24h, .max_bytes = 400, .min_free = {.bytes = 500}}},
  };
  for (const auto& [name, limits] : all) {
    int deleted = 0, published = 0, overdue = 0;
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
      Machine machine(seed, limits);
      machine.live();
      EXPECT_EQ(machine.wrong, 0) << name << ", seed " << seed << ": " << machine.first_wrong;
      deleted += machine.deleted;
      published += machine.published;
      overdue += machine.overdue;
    }
    EXPECT_GT(deleted, published / 10) << name << ": a retention that never deletes is never wrong";
    EXPECT_LT(overdue, deleted / 10) << name << ": what is older than --keep goes";
  }
  log::init({});
}

}  // namespace
}  // namespace campipe::record::library
