#include "record/library/housekeeper.hpp"

#include <future>
#include <thread>

#include <gmock/gmock.h>

#include "base/stderr_to.hpp"
#include "record/library/camera_on_disk.hpp"

namespace campipe::record::library {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class HousekeeperTest : public CameraOnDisk {
protected:
  /// Waits until all that was posted before is done.
  static void drain(Housekeeper& housekeeper) {
    std::promise<void> done;
    housekeeper.post([&] { done.set_value(); });
    done.get_future().wait();
  }

  Housekeeper housekeeper_{camera_, publisher_, index_, retention_};
};

TEST_F(HousekeeperTest, PublishesInTurnAndSaysWhatIsLeft) {
  for (int i = 0; i < 3; ++i) housekeeper_.publish(segment(i));
  EXPECT_EQ(housekeeper_.stop(), 0U);
  EXPECT_EQ(housekeeper_.backlog(), 0U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(root_.has(published(i))) << i;
    EXPECT_FALSE(root_.has("front/live/" + part(i))) << i;
  }
  EXPECT_EQ(catalogue_.size(), 3U);
}

TEST_F(HousekeeperTest, RunsJobsInOrderInOneThreadOfItsOwn) {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 100; ++i) {
    housekeeper_.post([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    });
  }
  housekeeper_.stop();
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  for (const auto& id : threads) EXPECT_EQ(id, threads.front());
  EXPECT_NE(threads.front(), std::this_thread::get_id());
}

TEST_F(HousekeeperTest, NotesOpenSegmentsAndGapsInTheIndex) {
  housekeeper_.note_opened(name(0));
  housekeeper_.note_gap({.from_us = kStartUs, .to_us = kStartUs + 1'000'000, .frames = 7, .reason = "disk full"});
  housekeeper_.stop();
  const std::string text = index();
  EXPECT_EQ(segment::good_length(text), text.size());
  EXPECT_THAT(text, HasSubstr(R"({"kind":"open","name":"20251121T014400.040Z-rabcd-000001.mp4")"));
  EXPECT_THAT(text, HasSubstr(R"("frames":7,"reason":"disk full")"));
}

TEST_F(HousekeeperTest, ASegmentWithoutFramesLeavesNothing) {
  auto never = std::make_shared<segment::File>(camera_.live(), part(0));
  housekeeper_.publish(segment::make_segment_writer(name(0), never, h264_format(), kStartUs));
  auto empty = std::make_shared<segment::File>(camera_.live(), part(1));
  ASSERT_EQ(empty->create(), 0);
  housekeeper_.publish(segment::make_segment_writer(name(1), empty, h264_format(), kStartUs));
  EXPECT_EQ(housekeeper_.stop(), 0U);
  EXPECT_TRUE(camera_.live().entries().empty());
  EXPECT_EQ(catalogue_.size(), 0U);
}

TEST_F(HousekeeperTest, ASegmentThatSomebodyDeletedIsSaidAndNotTriedAgain) {
  WritesToStderr sink;
  auto writer = segment(0);
  const std::string path = writer->file()->path();
  ASSERT_EQ(camera_.live().remove(part(0)), 0);
  housekeeper_.publish(std::move(writer));
  EXPECT_EQ(housekeeper_.stop(), 0U);
  EXPECT_EQ(housekeeper_.backlog(), 0U);
  EXPECT_EQ(housekeeper_.lost_frames(), 30U);
  EXPECT_THAT(index(), HasSubstr(R"("frames":30,"reason":"deleted")"));
  EXPECT_THAT(sink.take(), ElementsAre("unit_record: " + path +
                                       ": is gone: somebody deleted it while it was open: 30 frames are lost\n"));
}

TEST_F(HousekeeperTest, TriesAgainWhatCouldNotBePublishedAndKeepsTheOrder) {
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::warning});
  root_.write("front/2025-11-21", "in the way");
  housekeeper_.publish(segment(0));
  EXPECT_THAT(sink.next(), HasSubstr(part(0) + ": cannot be finished yet: "));
  housekeeper_.publish(segment(1));
  drain(housekeeper_);
  EXPECT_EQ(housekeeper_.backlog(), 2U);
  EXPECT_TRUE(sink.take().empty()) << "said once";
  std::filesystem::remove(root_.path() / "front/2025-11-21");
  EXPECT_EQ(housekeeper_.stop(), 0U);
  EXPECT_TRUE(root_.has(published(0)));
  EXPECT_TRUE(root_.has(published(1)));
  EXPECT_LT(index().find("000001.mp4"), index().find("000002.mp4"));
}

TEST_F(HousekeeperTest, WhatCannotBePublishedAtTheEndStaysForTheNextStart) {
  WritesToStderr sink;
  root_.write("front/2025-11-21", "in the way");
  auto writer = segment(0);
  const std::string path = writer->file()->path();
  housekeeper_.publish(std::move(writer));
  EXPECT_EQ(housekeeper_.stop(), 1U);
  EXPECT_EQ(housekeeper_.stop(), 1U) << "a second stop changes nothing";
  EXPECT_TRUE(root_.has("front/live/" + part(0)));
  EXPECT_THAT(sink.take(), ElementsAre("unit_record: " + path +
                                       ": could not be finished: it stays there and is recovered at the next start\n"));
}

TEST_F(HousekeeperTest, SpaceThatIsWantedIsMadeOfTheOldestButNeverOfTheNewest) {
  for (int i = 0; i < 3; ++i) housekeeper_.publish(segment(i));
  drain(housekeeper_);
  ASSERT_EQ(catalogue_.size(), 3U);
  free_bytes_ = 1000;
  housekeeper_.want_space(1001);
  housekeeper_.stop();
  EXPECT_FALSE(root_.has(published(0)));
  EXPECT_TRUE(root_.has(published(2)));
}

}  // namespace
}  // namespace campipe::record::library
