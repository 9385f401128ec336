// campipe/ring.h as other programs see it: linked with the shared library, nothing of ours below it.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <campipe/ring.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using testing::HasSubstr;

/// Rings of this program alone, gone when it ends.
class OwnFolder : public testing::Environment {
public:
  void SetUp() override {
    char path[] = "/dev/shm/ring_api_XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    path_ = path;
    ::setenv("CAMPIPE_RING_DIR", path, 1);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

private:
  std::string path_;
};
const auto* const kFolder = testing::AddGlobalTestEnvironment(new OwnFolder);

constexpr std::int32_t kWaitMs = 20'000;

struct Close {
  void operator()(campipe_ring_reader* reader) const { campipe_ring_reader_close(reader); }
  void operator()(campipe_ring_writer* writer) const { campipe_ring_writer_close(writer); }
  void operator()(campipe_ring_frame* frame) const { campipe_ring_frame_release(frame); }
};
using Reader = std::unique_ptr<campipe_ring_reader, Close>;
using Writer = std::unique_ptr<campipe_ring_writer, Close>;
using Frame = std::unique_ptr<campipe_ring_frame, Close>;

template <class T>
T sized() {
  T out{};
  out.size = sizeof out;
  return out;
}

Reader open_reader(const char* name, std::uint32_t leases = 1, std::uint32_t flags = 0,
                   std::uint32_t delivery = CAMPIPE_RING_IN_ORDER) {
  auto options = sized<campipe_ring_reader_options>();
  options.name = name;
  options.leases = leases;
  options.flags = flags;
  options.delivery = delivery;
  campipe_ring_reader* reader = nullptr;
  EXPECT_EQ(campipe_ring_reader_open(&options, &reader), 0) << campipe_ring_last_error();
  return Reader(reader);
}

Writer open_writer(const char* name, std::uint32_t slots = 0) {
  auto options = sized<campipe_ring_writer_options>();
  options.name = name;
  options.slots = slots;
  campipe_ring_writer* writer = nullptr;
  EXPECT_EQ(campipe_ring_writer_open(&options, &writer), 0) << campipe_ring_last_error();
  return Writer(writer);
}

campipe_ring_format raw_format(const char* pixel_format, std::uint32_t width, std::uint32_t height) {
  auto format = sized<campipe_ring_format>();
  format.codec = CAMPIPE_RING_CODEC_RAW;
  std::strncpy(format.pixel_format, pixel_format, sizeof format.pixel_format - 1);
  format.width_px = width;
  format.height_px = height;
  format.rate_num = 30;
  format.rate_den = 1;
  return format;
}

Writer open_raw_writer(const char* name, const char* pixel_format, std::uint32_t width, std::uint32_t height) {
  Writer writer = open_writer(name);
  const auto format = raw_format(pixel_format, width, height);
  EXPECT_EQ(campipe_ring_writer_set_format(writer.get(), &format), 0) << campipe_ring_last_error();
  return writer;
}

campipe_ring_unit stamped(const Writer& writer) {
  auto unit = sized<campipe_ring_unit>();
  EXPECT_EQ(campipe_ring_writer_stamp(writer.get(), 0, &unit), 0) << campipe_ring_last_error();
  return unit;
}

int publish(const Writer& writer, const std::vector<unsigned char>& picture) {
  const auto unit = stamped(writer);
  return campipe_ring_writer_publish(writer.get(), &unit, picture.data(), picture.size());
}

/// The next frame; formats on the way are passed over.
Frame next_frame(const Reader& reader) {
  for (;;) {
    campipe_ring_frame* frame = nullptr;
    const int event = campipe_ring_reader_next(reader.get(), kWaitMs, &frame);
    if (event == CAMPIPE_RING_FORMAT) continue;
    EXPECT_EQ(event, CAMPIPE_RING_FRAME) << campipe_ring_last_error();
    return Frame(frame);
  }
}

campipe_ring_frame_info info_of(const Frame& frame) {
  auto info = sized<campipe_ring_frame_info>();
  EXPECT_EQ(campipe_ring_frame_get_info(frame.get(), &info), 0) << campipe_ring_last_error();
  return info;
}

const unsigned char* bytes_of(const campipe_ring_frame_info& info) {
  return static_cast<const unsigned char*>(info.data);
}

TEST(RingApi, APictureDrawnInPlaceIsLeasedByItsReader) {
  const Writer writer = open_raw_writer("in_place", "bgr24", 64, 48);
  const Reader reader = open_reader("shm:in_place");
  void* room = nullptr;
  ASSERT_EQ(campipe_ring_writer_begin(writer.get(), 64 * 48 * 3, &room), 1) << campipe_ring_last_error();
  std::memset(room, 7, 64 * 48 * 3);
  auto unit = stamped(writer);
  unit.flags |= CAMPIPE_RING_HAS_SEQUENCE;
  unit.source_sequence = 99;
  ASSERT_EQ(campipe_ring_writer_publish(writer.get(), &unit, room, 64 * 48 * 3), 1) << campipe_ring_last_error();

  const Frame frame = next_frame(reader);
  const auto info = info_of(frame);
  EXPECT_EQ(info.leased, 1u);
  EXPECT_EQ(info.bytes, 64u * 48 * 3);
  EXPECT_EQ(bytes_of(info)[64 * 48 * 3 - 1], 7);
  EXPECT_EQ(info.source_sequence, 99u);
  EXPECT_EQ(info.pts_us, unit.pts_us);
  EXPECT_EQ(info.captured_ns, unit.captured_ns);
  EXPECT_EQ(info.flags, CAMPIPE_RING_KEYFRAME | CAMPIPE_RING_HAS_CAPTURE | CAMPIPE_RING_HAS_SEQUENCE);
  ASSERT_EQ(info.planes, 1u);
  EXPECT_EQ(info.plane[0].stride_bytes, 64u * 3);
  EXPECT_EQ(info.plane[0].row_bytes, 64u * 3);
  EXPECT_EQ(info.plane[0].rows, 48u);

  auto format = sized<campipe_ring_format>();
  ASSERT_EQ(campipe_ring_frame_get_format(frame.get(), &format), 0);
  EXPECT_STREQ(format.pixel_format, "bgr24");
  EXPECT_EQ(format.width_px, 64u);
  EXPECT_EQ(format.rate_num, 30u);
  EXPECT_EQ(format.has_clock, 1u);
}

TEST(RingApi, PlanesWithPaddingComeAsTheyWereTold) {
  const Writer writer = open_raw_writer("padded", "nv12", 60, 40);
  const Reader reader = open_reader("padded");
  std::vector<unsigned char> picture(64 * 40 + 64 * 20);
  auto unit = stamped(writer);
  unit.planes = 2;
  unit.plane[0] = {0, 64, 0, 0};
  unit.plane[1] = {64 * 40, 64, 0, 0};
  ASSERT_EQ(campipe_ring_writer_publish(writer.get(), &unit, picture.data(), picture.size()), 1)
      << campipe_ring_last_error();
  const Frame frame = next_frame(reader);
  const auto info = info_of(frame);
  ASSERT_EQ(info.planes, 2u);
  EXPECT_EQ(info.plane[1].offset, 64u * 40);
  EXPECT_EQ(info.plane[1].stride_bytes, 64u);
  EXPECT_EQ(info.plane[1].row_bytes, 60u);
  EXPECT_EQ(info.plane[1].rows, 20u);
}

TEST(RingApi, WhatDoesNotFitTheFormatIsNotPublished) {
  const Writer writer = open_raw_writer("misfit", "yuv420p", 32, 32);
  std::vector<unsigned char> picture(32 * 32 * 3 / 2);
  auto unit = stamped(writer);
  EXPECT_EQ(campipe_ring_writer_publish(writer.get(), &unit, picture.data(), picture.size() - 1),
            CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_THAT(campipe_ring_last_error(), HasSubstr("size"));
  EXPECT_EQ(campipe_ring_writer_publish(writer.get(), &unit, picture.data(), 0), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_writer_publish(writer.get(), &unit, nullptr, picture.size()), CAMPIPE_RING_ERROR_ARGUMENT);
  unit.planes = 3;
  unit.plane[0] = {0, 32, 0, 0};
  unit.plane[1] = {32 * 32, 16, 0, 0};
  unit.plane[2] = {32 * 32 + 16 * 16 + 1, 16, 0, 0};
  EXPECT_EQ(campipe_ring_writer_publish(writer.get(), &unit, picture.data(), picture.size()),
            CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_THAT(campipe_ring_last_error(), HasSubstr("plane"));
  unit.plane[2].offset -= 1;
  EXPECT_EQ(campipe_ring_writer_publish(writer.get(), &unit, picture.data(), picture.size()), 1);
}

TEST(RingApi, NothingCanBePublishedBeforeThereIsAFormat) {
  const Writer writer = open_writer("no_format");
  auto unit = sized<campipe_ring_unit>();
  void* room = nullptr;
  EXPECT_EQ(campipe_ring_writer_begin(writer.get(), 100, &room), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_writer_stamp(writer.get(), 0, &unit), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_writer_publish(writer.get(), &unit, "x", 1), CAMPIPE_RING_ERROR_ARGUMENT);
  auto format = raw_format("yuv420p", 0, 32);
  EXPECT_EQ(campipe_ring_writer_set_format(writer.get(), &format), CAMPIPE_RING_ERROR_ARGUMENT);
  format = raw_format("yuv420p", 32, 32);
  std::memset(format.pixel_format, 'x', sizeof format.pixel_format);
  EXPECT_EQ(campipe_ring_writer_set_format(writer.get(), &format), CAMPIPE_RING_ERROR_ARGUMENT);
}

TEST(RingApi, RoomThatIsCancelledCanBeHadAgain) {
  const Writer writer = open_raw_writer("cancel", "gray", 64, 64);
  void* first = nullptr;
  void* second = nullptr;
  void* third = nullptr;
  ASSERT_EQ(campipe_ring_writer_begin(writer.get(), 64 * 64, &first), 1);
  ASSERT_EQ(campipe_ring_writer_begin(writer.get(), 64 * 64, &second), 1);
  EXPECT_NE(first, second);
  EXPECT_EQ(campipe_ring_writer_begin(writer.get(), 64 * 64, &third), 0);
  EXPECT_EQ(third, nullptr);
  campipe_ring_writer_cancel(writer.get(), first);
  EXPECT_EQ(campipe_ring_writer_begin(writer.get(), 64 * 64, &third), 1);
}

TEST(RingApi, AFrameOutlivesItsReaderAndManyLapsOfTheWriter) {
  const Writer writer = open_raw_writer("outlives", "gray", 64, 64);
  Reader reader = open_reader("outlives");
  ASSERT_EQ(publish(writer, std::vector<unsigned char>(64 * 64, 1)), 1);
  const Frame frame = next_frame(reader);
  const auto info = info_of(frame);
  ASSERT_EQ(info.leased, 1u);
  reader.reset();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(publish(writer, std::vector<unsigned char>(64 * 64, 2)), 1);
  for (std::size_t i = 0; i < info.bytes; ++i) ASSERT_EQ(bytes_of(info)[i], 1);
}

TEST(RingApi, WhatIsHeldBeyondTheLeasesIsACopy) {
  const Writer writer = open_raw_writer("beyond", "gray", 64, 64);
  const Reader reader = open_reader("beyond", 1);
  ASSERT_EQ(publish(writer, std::vector<unsigned char>(64 * 64, 1)), 1);
  const Frame first = next_frame(reader);
  ASSERT_EQ(publish(writer, std::vector<unsigned char>(64 * 64, 2)), 1);
  const Frame second = next_frame(reader);
  EXPECT_EQ(info_of(first).leased, 1u);
  EXPECT_EQ(info_of(second).leased, 0u);
  EXPECT_EQ(bytes_of(info_of(second))[0], 2);

  const Reader copies = open_reader("beyond", 0, CAMPIPE_RING_READER_COPY);
  ASSERT_EQ(publish(writer, std::vector<unsigned char>(64 * 64, 3)), 1);
  Frame frame = next_frame(copies);
  while (bytes_of(info_of(frame))[0] != 3) frame = next_frame(copies);  // a joiner may begin with the newest
  EXPECT_EQ(info_of(frame).leased, 0u);
}

TEST(RingApi, AReaderWaitsForItsRing) {
  const Reader reader = open_reader("later");
  campipe_ring_frame* frame = nullptr;
  EXPECT_EQ(campipe_ring_reader_next(reader.get(), 0, &frame), CAMPIPE_RING_TIMEOUT);
  EXPECT_EQ(frame, nullptr);
  auto stats = sized<campipe_ring_reader_stats>();
  ASSERT_EQ(campipe_ring_reader_get_stats(reader.get(), &stats), 0);
  EXPECT_EQ(stats.link, static_cast<std::uint32_t>(CAMPIPE_RING_LINK_NO_RING));
  auto format = sized<campipe_ring_format>();
  EXPECT_EQ(campipe_ring_reader_get_format(reader.get(), &format), CAMPIPE_RING_ERROR_NOT_FOUND);

  const Writer writer = open_raw_writer("later", "gray", 8, 8);
  ASSERT_EQ(publish(writer, std::vector<unsigned char>(64)), 1);
  const Frame got = next_frame(reader);
  EXPECT_EQ(campipe_ring_reader_get_format(reader.get(), &format), 0);
  ASSERT_EQ(campipe_ring_reader_get_stats(reader.get(), &stats), 0);
  EXPECT_EQ(stats.link, static_cast<std::uint32_t>(CAMPIPE_RING_LINK_LIVE));
  EXPECT_EQ(stats.frames, 1u);
}

TEST(RingApi, InterruptEndsAWaitInAnotherThread) {
  const Reader reader = open_reader("nobody");
  std::thread other([&] { campipe_ring_reader_interrupt(reader.get()); });
  campipe_ring_frame* frame = nullptr;
  EXPECT_EQ(campipe_ring_reader_next(reader.get(), -1, &frame), CAMPIPE_RING_INTERRUPTED);
  other.join();
}

TEST(RingApi, WishesReachTheWriter) {
  const Writer writer = open_writer("wishes");
  auto format = sized<campipe_ring_format>();
  format.codec = CAMPIPE_RING_CODEC_H264;
  format.width_px = 64;
  format.height_px = 48;
  const unsigned char sets[] = {0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4};
  format.parameter_sets = sets;
  format.parameter_set_bytes = sizeof sets;
  ASSERT_EQ(campipe_ring_writer_set_format(writer.get(), &format), 0) << campipe_ring_last_error();
  EXPECT_EQ(campipe_ring_writer_wanted(writer.get()), 0);

  const Reader reader = open_reader("wishes", 0, CAMPIPE_RING_READER_NO_WANT);
  auto unit = stamped(writer);
  unit.flags |= CAMPIPE_RING_KEYFRAME;
  ASSERT_EQ(campipe_ring_writer_publish(writer.get(), &unit, "keyframe", 8), 1) << campipe_ring_last_error();
  const Frame frame = next_frame(reader);
  EXPECT_EQ(std::string(static_cast<const char*>(info_of(frame).data), 8), "keyframe");
  EXPECT_EQ(info_of(frame).planes, 0u);

  auto seen = sized<campipe_ring_format>();
  ASSERT_EQ(campipe_ring_reader_get_format(reader.get(), &seen), 0);
  ASSERT_EQ(seen.parameter_set_bytes, sizeof sets);
  EXPECT_EQ(std::memcmp(seen.parameter_sets, sets, sizeof sets), 0);

  EXPECT_EQ(campipe_ring_writer_wanted(writer.get()), 0);
  campipe_ring_reader_set_want(reader.get(), 1);
  EXPECT_EQ(campipe_ring_writer_wanted(writer.get()), 1);
  EXPECT_EQ(campipe_ring_writer_keyframe_wanted(writer.get()), 0);
  campipe_ring_reader_request_keyframe(reader.get());
  EXPECT_EQ(campipe_ring_writer_keyframe_wanted(writer.get()), 1);
  EXPECT_EQ(campipe_ring_writer_keyframe_wanted(writer.get()), 0);
}

TEST(RingApi, ANewWriterKeepsTheClockAndTheCount) {
  Writer writer = open_raw_writer("clock", "gray", 8, 8);
  const Reader reader = open_reader("clock");
  ASSERT_EQ(publish(writer, std::vector<unsigned char>(64)), 1);
  const Frame before = next_frame(reader);
  writer.reset();
  writer = open_raw_writer("clock", "gray", 8, 8);
  ASSERT_EQ(publish(writer, std::vector<unsigned char>(64)), 1);
  const Frame after = next_frame(reader);
  EXPECT_EQ(info_of(after).seq, info_of(before).seq + 1);
  auto first = sized<campipe_ring_format>();
  auto second = sized<campipe_ring_format>();
  ASSERT_EQ(campipe_ring_frame_get_format(before.get(), &first), 0);
  ASSERT_EQ(campipe_ring_frame_get_format(after.get(), &second), 0);
  EXPECT_EQ(first.clock_realtime_us, second.clock_realtime_us);
  EXPECT_EQ(first.clock_monotonic_ns, second.clock_monotonic_ns);
}

TEST(RingApi, ErrorsHaveACodeAndALine) {
  auto options = sized<campipe_ring_reader_options>();
  campipe_ring_reader* reader = nullptr;
  options.name = "../etc/passwd";
  EXPECT_EQ(campipe_ring_reader_open(&options, &reader), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(reader, nullptr);
  EXPECT_THAT(campipe_ring_last_error(), HasSubstr("name"));
  options.name = nullptr;
  EXPECT_EQ(campipe_ring_reader_open(&options, &reader), CAMPIPE_RING_ERROR_ARGUMENT);
  options.name = "x";
  options.delivery = 7;
  EXPECT_EQ(campipe_ring_reader_open(&options, &reader), CAMPIPE_RING_ERROR_ARGUMENT);
  options.delivery = 0;
  options.flags = 1u << 30;
  EXPECT_EQ(campipe_ring_reader_open(&options, &reader), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_reader_open(nullptr, &reader), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_reader_open(&options, nullptr), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_frame_get_info(nullptr, nullptr), CAMPIPE_RING_ERROR_ARGUMENT);
  campipe_ring_reader_close(nullptr);
  campipe_ring_writer_close(nullptr);
  campipe_ring_frame_release(nullptr);

  const Writer one = open_raw_writer("busy", "gray", 8, 8);
  auto writing = sized<campipe_ring_writer_options>();
  writing.name = "busy";
  campipe_ring_writer* two = nullptr;
  EXPECT_EQ(campipe_ring_writer_open(&writing, &two), CAMPIPE_RING_ERROR_BUSY);
  EXPECT_EQ(two, nullptr);
  EXPECT_THAT(campipe_ring_last_error(), HasSubstr("busy"));

  const std::string path = std::string(std::getenv("CAMPIPE_RING_DIR")) + "/campipe.rubbish";
  std::ofstream(path) << std::string(100'000, 'x');
  const Reader rubbish = [] {
    auto wanted = sized<campipe_ring_reader_options>();
    wanted.name = "rubbish";
    campipe_ring_reader* made = nullptr;
    const int code = campipe_ring_reader_open(&wanted, &made);
    EXPECT_EQ(code, CAMPIPE_RING_ERROR_BAD_DATA);
    return Reader(made);
  }();
  std::filesystem::remove(path);
}

TEST(RingApi, ErrorsAreOfTheThreadThatMadeThem) {
  EXPECT_EQ(campipe_ring_picture_layout("no-such", 8, 8, nullptr, nullptr), CAMPIPE_RING_ERROR_ARGUMENT);
  const std::string here = campipe_ring_last_error();
  EXPECT_NE(here, "");
  std::string there = "unset";
  std::thread([&] { there = campipe_ring_last_error(); }).join();
  EXPECT_EQ(there, "");
  EXPECT_EQ(campipe_ring_last_error(), here);
}

/// A struct of a newer program, or of an older one.
struct Longer {
  campipe_ring_reader_options options;
  std::uint64_t more;
};

TEST(RingApi, StructsOfNewerProgramsAreTakenUnlessTheyAskForWhatIsNew) {
  Longer longer{};
  longer.options.size = sizeof longer;
  longer.options.name = "longer";
  campipe_ring_reader* reader = nullptr;
  ASSERT_EQ(campipe_ring_reader_open(&longer.options, &reader), 0) << campipe_ring_last_error();
  campipe_ring_reader_close(reader);
  longer.more = 1;
  EXPECT_EQ(campipe_ring_reader_open(&longer.options, &reader), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_THAT(campipe_ring_last_error(), HasSubstr("newer"));
  longer.options.size = 4;
  EXPECT_EQ(campipe_ring_reader_open(&longer.options, &reader), CAMPIPE_RING_ERROR_ARGUMENT);
}

TEST(RingApi, StructsAreFilledAsFarAsTheProgramKnowsThem) {
  const Reader reader = open_reader("filled");
  struct {
    campipe_ring_reader_stats stats;
    std::uint64_t more[2];
  } longer;
  std::memset(&longer, 0xee, sizeof longer);
  longer.stats.size = sizeof longer.stats + 8;
  ASSERT_EQ(campipe_ring_reader_get_stats(reader.get(), &longer.stats), 0);
  EXPECT_EQ(longer.stats.size, sizeof longer.stats + 8);
  EXPECT_EQ(longer.stats.frames, 0u);
  EXPECT_EQ(longer.more[0], 0u);
  EXPECT_EQ(longer.more[1], 0xeeeeeeeeeeeeeeeeu);
}

TEST(RingApi, AChildOfForkIsToldAndHoldsNothingBack) {
  const Writer writer = open_raw_writer("forked", "gray", 64, 64);
  Reader reader = open_reader("forked");
  ASSERT_EQ(publish(writer, std::vector<unsigned char>(64 * 64, 1)), 1);
  Frame frame = next_frame(reader);
  const auto info = info_of(frame);
  ASSERT_EQ(info.leased, 1u);
  int done[2];
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto child_info = sized<campipe_ring_frame_info>();
    campipe_ring_frame* child_frame = nullptr;
    const bool told = campipe_ring_frame_get_info(frame.get(), &child_info) == CAMPIPE_RING_ERROR_FORKED &&
                      campipe_ring_reader_next(reader.get(), 0, &child_frame) == CAMPIPE_RING_ERROR_FORKED &&
                      campipe_ring_writer_wanted(writer.get()) == CAMPIPE_RING_ERROR_FORKED;
    campipe_ring_frame_release(frame.get());
    campipe_ring_reader_close(reader.get());
    campipe_ring_writer_close(writer.get());
    ::close(done[1]);
    char byte = 0;
    while (::read(done[0], &byte, 1) > 0) {
    }
    ::_exit(told ? 0 : 1);
  }
  ::close(done[0]);
  // The child has "released" it; here it is still leased.
  for (int i = 0; i < 50; ++i) ASSERT_EQ(publish(writer, std::vector<unsigned char>(64 * 64, 2)), 1);
  EXPECT_EQ(bytes_of(info)[0], 1);
  EXPECT_EQ(bytes_of(info)[64 * 64 - 1], 1);
  ::close(done[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
