#pragma once
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "record/h264_stream.hpp"
#include "record/library/camera_folder.hpp"
#include "record/library/publisher.hpp"
#include "record/library/retention.hpp"
#include "record/segment/writer.hpp"
#include "record/temp_folder.hpp"

namespace campipe::record {

/// The folder of a camera with what works on it; time and free space are made up.
class CameraOnDisk : public testing::Test {
protected:
  CameraOnDisk() { log::init({.tool = "unit_record", .level = log::Level::error}); }
  ~CameraOnDisk() override { log::init({}); }

  /// Segment `number` begins `number` hours after 2025-11-21T01:44.
  static segment::SegmentName name(int number) {
    return {.start_ms = kStartUs / 1000 + number * 3'600'000LL,
            .run = "abcd",
            .sequence = static_cast<std::uint32_t>(number + 1),
            .container = segment::Container::mp4};
  }
  static std::string part(int number) { return to_string(name(number)) + std::string(segment::kPartSuffix); }
  /// Relative to the root.
  static std::string published(int number) { return "front/" + library::Published{name(number), 0}.path(); }

  /// A segment of 30 frames in live/, as the recorder leaves it.
  std::unique_ptr<segment::Writer> segment(int number) const {
    auto file = std::make_shared<segment::File>(camera_.live(), part(number));
    auto writer = segment::make_segment_writer(name(number), std::move(file), h264_format(), kStartUs);
    std::vector<media::Packet> batch;
    for (int i = 0; i < 30; ++i) batch.push_back(h264_picture(i));
    EXPECT_EQ(writer->write(batch), 0);
    writer->set_end_reason("length");
    return writer;
  }

  /// The index of the first day.
  std::string index() const { return root_.read("front/index/2025-11-21.jsonl"); }

  TempFolder root_;
  library::CameraFolder camera_{root_.path().string(), "front"};
  library::Catalogue catalogue_{camera_.top()};
  segment::Index index_{camera_.index()};
  library::Publisher publisher_{
      camera_, catalogue_, index_,
      [] { return segment::Moment{.unix_us = kStartUs, .trusted = true, .boot = "b00t", .monotonic_us = 1000}; }};
  std::atomic<std::int64_t> free_bytes_ = 500'000'000;
  library::Retention retention_{
      {.keep = {}, .max_bytes = 0, .min_free = {.percent = 0, .bytes = 1}},
      camera_.top(),
      catalogue_,
      index_,
      {.now_us = [] { return kStartUs; },
       .clock_trusted = [] { return true; },
       .space = [this] { return std::optional(library::Space{1'000'000'000, free_bytes_.load()}); },
       .monotonic_ns = [] { return std::int64_t{0}; }}};
};

}  // namespace campipe::record
