#include <gtest/gtest.h>

#include "base/own_folder.hpp"
#include "ffmpeg/clip.hpp"
#include "ffmpeg/memory_file.hpp"
#include "ffmpeg/mkv_writer.hpp"

namespace campipe::ffmpeg {
namespace {

class RemuxMatroska : public testing::Test {
protected:
  RemuxMatroska() {
    MkvWriter writer(MkvWriter::Format::matroska, clip_.format, kStartUs, original_.sink());
    for (const media::Packet& packet : clip_.packets) {
      EXPECT_EQ(writer.write({&packet, 1}), 0);
      ends_.push_back(original_.bytes.size());
    }
    cut_ = original_.bytes;  // as killed before finish()
    EXPECT_EQ(writer.finish(), 0);
  }

  std::string write(const std::string& name, std::size_t size) {
    return folder_.write(name, std::span(cut_).first(size));
  }

  OwnFolder folder_;
  Clip clip_ = h264_clip(20, 5);
  MemoryFile original_;
  std::vector<std::byte> cut_;
  std::vector<std::size_t> ends_;  ///< of the file after each frame
};

TEST_F(RemuxMatroska, AFileThatWasCutOffGetsItsDurationAndKeepsEachWholeFrame) {
  for (std::size_t size = ends_[0]; size <= cut_.size(); size += 97) {
    MemoryFile repaired;
    RemuxResult result;
    ASSERT_EQ(remux_matroska(write("cut.mkv", size), repaired.sink(), result), 0) << size;
    const auto whole = static_cast<std::uint64_t>(std::ranges::upper_bound(ends_, size) - ends_.begin());
    EXPECT_GE(result.frames, whole) << size;
    EXPECT_LE(result.frames, whole + 1) << size;
    EXPECT_GE(result.duration_us, static_cast<std::int64_t>(whole - 1) * kFrameUs) << size;
    EXPECT_LE(result.duration_us, static_cast<std::int64_t>(whole + 1) * kFrameUs) << size;
    auto input = open_file(folder_.write("repaired.mkv", repaired.bytes));
    ASSERT_NE(input, nullptr);
    EXPECT_TRUE(input->has_length());
    EXPECT_EQ(packets_of(*input).size(), result.frames) << size;
  }
}

TEST_F(RemuxMatroska, CopiesFramesByteForByteWithTheirTimes) {
  MemoryFile repaired;
  RemuxResult result;
  ASSERT_EQ(remux_matroska(write("cut.mkv", cut_.size()), repaired.sink(), result), 0);
  EXPECT_EQ(result.frames, 20U);
  auto before = open_file(folder_.write("original.mkv", original_.bytes));
  auto after = open_file(folder_.write("repaired.mkv", repaired.bytes));
  ASSERT_NE(before, nullptr);
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(before->tracks()[0].extradata, after->tracks()[0].extradata);
  const auto old_packets = packets_of(*before), new_packets = packets_of(*after);
  ASSERT_EQ(old_packets.size(), new_packets.size());
  for (std::size_t i = 0; i < old_packets.size(); ++i) {
    EXPECT_EQ(old_packets[i].pts_ns, new_packets[i].pts_ns) << i;
    EXPECT_EQ(old_packets[i].keyframe, new_packets[i].keyframe) << i;
    EXPECT_TRUE(std::ranges::equal(old_packets[i].payload.bytes(), new_packets[i].payload.bytes())) << i;
  }
}

TEST_F(RemuxMatroska, TakesAnyFileNameAsAFileName) {
  for (const char* name : {"http:x.mkv", "a%03d.mkv", "-i.mkv", "pipe:0", "concat:a|b"}) {
    MemoryFile repaired;
    RemuxResult result;
    EXPECT_EQ(remux_matroska(write(name, cut_.size()), repaired.sink(), result), 0) << name;
    EXPECT_EQ(result.frames, 20U) << name;
  }
}

TEST_F(RemuxMatroska, WhatIsNoMatroskaIsAnErrorAndWritesNothing) {
  const std::vector<std::byte> noise(5000, std::byte{0x5A});
  struct Case {
    const char* name;
    std::string path;
  };
  for (const Case& c : {Case{"missing", folder_ / "missing.mkv"}, Case{"empty", folder_.write("empty.mkv", {})},
                        Case{"noise", folder_.write("noise.mkv", noise)}, Case{"a folder", folder_.path().string()},
                        Case{"four bytes", write("short.mkv", 4)}, Case{"another format", data_path("small.h264")}}) {
    MemoryFile repaired;
    RemuxResult result;
    EXPECT_LT(remux_matroska(c.path, repaired.sink(), result), 0) << c.name;
    EXPECT_EQ(repaired.calls, 0) << c.name;
    EXPECT_EQ(result.frames, 0U) << c.name;
  }
}

TEST_F(RemuxMatroska, SurvivesFlippedBytes) {
  for (std::size_t at = 0; at < cut_.size(); at += 61) {
    auto damaged = cut_;
    damaged[at] ^= std::byte{0xFF};
    MemoryFile repaired;
    RemuxResult result;
    remux_matroska(folder_.write("flipped.mkv", damaged), repaired.sink(), result);
    EXPECT_LE(result.frames, 60U) << at;
    EXPECT_GE(result.duration_us, 0) << at;
  }
}

TEST_F(RemuxMatroska, AFullDiskIsTheError) {
  const std::string path = write("cut.mkv", cut_.size());
  for (const int at : {0, 1}) {
    MemoryFile repaired;
    repaired.fails_at = at;
    RemuxResult result;
    EXPECT_EQ(remux_matroska(path, repaired.sink(), result), AVERROR(ENOSPC)) << at;
  }
}

}  // namespace
}  // namespace campipe::ffmpeg
