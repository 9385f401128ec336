#include <csignal>
#include <random>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "base/fd.hpp"
#include "ring/layout/layout.hpp"
#include "ring/ring_support.hpp"

namespace campipe::ring {

namespace {

/// Somebody else who may write to an object, and does.
class Vandal {
public:
  explicit Vandal(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    struct stat about{};
    EXPECT_EQ(::fstat(fd_.get(), &about), 0);
    size_ = static_cast<std::size_t>(about.st_size);
    data_ = static_cast<std::byte*>(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0));
    EXPECT_NE(data_, MAP_FAILED);
  }
  ~Vandal() { ::munmap(data_, size_); }
  Vandal(const Vandal&) = delete;
  Vandal& operator=(const Vandal&) = delete;

  std::span<std::byte> bytes() { return {data_, size_}; }
  layout::Header& header() { return *reinterpret_cast<layout::Header*>(data_); }
  layout::Control& control() { return *reinterpret_cast<layout::Control*>(data_); }
  layout::Record& record(std::size_t i) { return reinterpret_cast<layout::Record*>(data_ + layout::kRecordsOffset)[i]; }
  void truncate(off_t bytes) { EXPECT_EQ(::ftruncate(fd_.get(), bytes), 0); }
  void scribble(std::mt19937_64& random, std::size_t from = 0) {
    for (std::size_t i = from; i + 8 <= size_; i += 8) {
      const std::uint64_t word = random();
      std::memcpy(data_ + i, &word, 8);
    }
  }

private:
  Fd fd_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A ring with a picture in it, and its vandal.
class HostileRing : public RingTest {
protected:
  HostileRing() {
    writer.emplace(write::Writer::Options{.name = name});
    writer->set_format(raw_format());
    put(*writer, 1);
  }

  void expect_refused(const char* part) {
    try {
      read::Reader reader({.name = name});
      ADD_FAILURE() << "a spoilt ring was opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
    EXPECT_THROW(survey(name), Error);
  }

  std::optional<write::Writer> writer;
};

TEST_F(HostileRing, AnotherVersionIsRefused) {
  Vandal(kernel::object_path(name)).header().version = 2;
  expect_refused("it has version 2");
}

TEST_F(HostileRing, WhatIsNoRingIsRefused) {
  Vandal(kernel::object_path(name)).header().magic.store(1);
  expect_refused("does not begin as a ring does");
}

TEST_F(HostileRing, ImpossibleSizesAreRefused) {
  struct Case {
    const char* what;
    std::function<void(layout::Header&)> spoil;
  };
  const std::vector<Case> cases = {
      {"kind", [](layout::Header& h) { h.kind = 7; }},
      {"total_bytes", [](layout::Header& h) { h.total_bytes = ~std::uint64_t{0}; }},
      {"total_bytes smaller", [](layout::Header& h) { h.total_bytes -= kernel::kPage; }},
      {"no slots", [](layout::Header& h) { h.slots = 0; }},
      {"too many slots", [](layout::Header& h) { h.slots = 0xffffffff; }},
      {"more slots than there is room for", [](layout::Header& h) { h.slots = layout::kMaxSlots; }},
      {"tickets", [](layout::Header& h) { h.tickets = 0xffff; }},
      {"slot_bytes 0", [](layout::Header& h) { h.slot_bytes = 0; }},
      {"slot_bytes huge",
       [](layout::Header& h) { h.slot_bytes = ~std::uint64_t{0} & ~std::uint64_t{kernel::kPage - 1}; }},
      {"slot_bytes that wrap around",
       [](layout::Header& h) { h.slot_bytes = (std::uint64_t{1} << 61) + kernel::kPage; }},
      {"slot_bytes not of pages", [](layout::Header& h) { h.slot_bytes += 8; }},
      {"records_offset", [](layout::Header& h) { h.records_offset = 8; }},
      {"data_offset", [](layout::Header& h) { h.data_offset = ~std::uint64_t{0}; }},
  };
  std::vector<std::byte> good(sizeof(layout::Header));
  for (const Case& one : cases) {
    Vandal vandal(kernel::object_path(name));
    std::memcpy(good.data(), vandal.bytes().data(), good.size());
    one.spoil(vandal.header());
    EXPECT_THROW(read::Reader({.name = name}), Error) << one.what;
    std::memcpy(vandal.bytes().data(), good.data(), good.size());
  }
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
}

TEST_F(HostileRing, ARingWithHolesIsNotMapped) {
  Vandal vandal(kernel::object_path(name));
  vandal.truncate(kernel::kPage);
  vandal.truncate(static_cast<off_t>(vandal.bytes().size()));
  expect_refused("not memory for all");
}

TEST_F(HostileRing, ARetiredRingThatKeepsTheNameIsWaitedFor) {
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  reader.unit() = layout::Unit();
  Vandal(kernel::object_path(name)).header().state.store(layout::kRetired);
  EXPECT_EQ(reader.next(100), read::Event::timeout);
  put(*writer, 2);
  EXPECT_EQ(get(reader), 2U);
}

TEST_F(HostileRing, ATruncatedControlObjectLetsNoSecondWriterIn) {
  Vandal(kernel::control_path(name)).truncate(0);
  EXPECT_THROW(write::Writer({.name = name}), Error);
  EXPECT_TRUE(put(*writer, 2));
}

TEST_F(HostileRing, RecordsThatLieAreNotFollowed) {
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  reader.unit() = layout::Unit();
  Vandal vandal(kernel::object_path(name));
  const auto lie = [&](auto spoil) {
    const std::uint64_t number = writer->stats().units + 1;
    put(*writer, number);
    layout::Record& record = vandal.record(vandal.header().slot_of[number % layout::kIndex].load());
    layout::RecordFields fields = record.load();
    spoil(fields);
    record.store(fields);
    EXPECT_EQ(reader.next(0), read::Event::timeout);
  };
  lie([](layout::RecordFields& f) { f.bytes = ~std::uint64_t{0}; });
  lie([](layout::RecordFields& f) { f.bytes = 4097; });
  lie([](layout::RecordFields& f) { f.planes = 200; });
  lie([](layout::RecordFields& f) {
    f.planes = 1;
    f.plane[0].offset = 0xfffffff0;
  });
  lie([](layout::RecordFields& f) { f.generation = 77; });
  vandal.header().slot_of[(writer->stats().units + 1) % layout::kIndex].store(0xffffffff);
  const std::uint64_t next = writer->stats().units + 1;
  put(*writer, next);
  EXPECT_EQ(get(reader), next);
  EXPECT_GE(reader.stats().damaged, 4U);
}

TEST_F(HostileRing, AFormatThatLiesIsNotTaken) {
  Vandal vandal(kernel::object_path(name));
  auto* formats = reinterpret_cast<layout::FormatRecord*>(vandal.bytes().data() + layout::kFormatsOffset);
  const auto lie = [&](auto spoil) {
    layout::FormatFields fields = formats[1].load();
    const layout::FormatFields good = fields;
    spoil(fields);
    formats[1].store(fields);
    read::Reader reader({.name = name});
    EXPECT_EQ(reader.next(0), read::Event::timeout);
    formats[1].store(good);
  };
  lie([](layout::FormatFields& f) { f.codec = 99; });
  lie([](layout::FormatFields& f) { f.width = 0xffffffff; });
  lie([](layout::FormatFields& f) { f.height = 0; });
  lie([](layout::FormatFields& f) { f.rate_den = 0; });
  lie([](layout::FormatFields& f) { f.parameter_set_bytes = 0xffffffff; });
  lie([](layout::FormatFields& f) {
    f.parameter_set_bytes = 3960;
    f.audio_extradata_bytes = 1;
  });
  lie([](layout::FormatFields& f) { f.pixel_format.fill('a'); });
  lie([](layout::FormatFields& f) { f.pixel_format[0] = '\033'; });
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
}

TEST_F(HostileRing, ARingTruncatedUnderUsEndsNobody) {
  if (kHasThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer cannot take a SIGBUS inside an atomic access";
  read::Reader leasing({.name = name});
  EXPECT_EQ(get(leasing), 1U);
  const layout::Unit held = std::move(leasing.unit());
  read::Reader copying({.name = name, .leases = 0});
  EXPECT_EQ(get(copying), 1U);
  Vandal(kernel::object_path(name)).truncate(kernel::kPage);
  EXPECT_EQ(number_of(held.bytes), 0U) << "zeros";
  EXPECT_EQ(leasing.next(0), read::Event::timeout);
  EXPECT_EQ(copying.next(0), read::Event::timeout);
  EXPECT_TRUE(put(*writer, 2)) << "the writer makes a new one";
  EXPECT_TRUE(put(*writer, 3));
  EXPECT_GE(get(leasing), 2U);
  EXPECT_GE(get(copying), 2U);
}

TEST_F(HostileRing, ARingTruncatedToNothingIsReplaced) {
  if (kHasThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer cannot take a SIGBUS inside an atomic access";
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  reader.unit() = layout::Unit();
  Vandal(kernel::object_path(name)).truncate(0);
  EXPECT_EQ(reader.next(0), read::Event::timeout);
  EXPECT_TRUE(put(*writer, 2));
  EXPECT_TRUE(put(*writer, 3));
  EXPECT_GE(get(reader), 2U);
}

TEST_F(HostileRing, AScribbledControlObjectAltersNoPicture) {
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  const layout::Unit held = std::move(reader.unit());
  Vandal vandal(kernel::control_path(name));
  std::mt19937_64 random(7);
  read::Reader other({.name = name, .leases = 0});
  EXPECT_EQ(get(other), 1U);
  for (std::uint64_t n = 2; n <= 300; ++n) {
    vandal.scribble(random);
    ASSERT_TRUE(put(*writer, n));
    static_cast<void>(writer->wanted());
    static_cast<void>(writer->keyframe_wanted());
    ASSERT_EQ(number_of(held.bytes), 1U);
    ASSERT_EQ(get(other), n);
  }
  static_cast<void>(survey(name));
  EXPECT_EQ(writer->stats().dropped, 0U);
  read::Reader late({.name = name});
  EXPECT_EQ(get(late), 300U) << "whoever cannot use the control object copies";
}

TEST_F(HostileRing, AControlObjectTruncatedUnderUsEndsNobody) {
  if (kHasThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer cannot take a SIGBUS inside an atomic access";
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  reader.unit() = layout::Unit();
  Vandal(kernel::control_path(name)).truncate(0);
  static_cast<void>(writer->wanted());
  put(*writer, 2);
  EXPECT_EQ(get(reader), 2U);
  reader.set_want(false);
  reader.request_keyframe();
  writer.reset();
  write::Writer next({.name = name});
  next.set_format(raw_format());
  put(next, 3);
  EXPECT_EQ(get(reader), 3U);
}

TEST_F(HostileRing, LocksOfSomebodyElseOnEverySlotHoldNobodyUp) {
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  reader.unit() = layout::Unit();
  const Fd fd(::open(kernel::object_path(name).c_str(), O_RDONLY | O_CLOEXEC));
  struct flock all{};
  all.l_type = F_RDLCK;
  all.l_whence = SEEK_SET;
  ASSERT_EQ(::fcntl(fd.get(), F_OFD_SETLK, &all), 0);
  for (std::uint64_t n = 2; n < 20; ++n) {
    EXPECT_TRUE(put(*writer, n)) << "into a ring made anew";
    EXPECT_EQ(get(reader), n);
  }
  EXPECT_EQ(writer->stats().dropped, 0U);
  const Fd again(::open(kernel::object_path(name).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::fcntl(again.get(), F_OFD_SETLK, &all), 0);
  EXPECT_FALSE(put(*writer, 20)) << "but not as often as somebody likes";
  EXPECT_EQ(writer->stats().dropped, 1U);
  all.l_type = F_UNLCK;
  ASSERT_EQ(::fcntl(again.get(), F_OFD_SETLK, &all), 0);
  EXPECT_TRUE(put(*writer, 21));
}

TEST_F(HostileRing, ASpoiltRingIsReplacedByTheNextWriter) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20; ++i) {
    read::Reader keeps({.name = name});  // so that the ring stays
    writer.reset();
    {
      Vandal vandal(kernel::object_path(name));
      if (i % 2 == 0) {
        vandal.scribble(random, 24);
      } else {
        vandal.scribble(random, 128);
      }
    }
    writer.emplace(write::Writer::Options{.name = name});
    writer->set_format(raw_format());
    ASSERT_TRUE(put(*writer, 1000 + static_cast<std::uint64_t>(i)));
    read::Reader reader({.name = name});
    ASSERT_EQ(get(reader), 1000U + static_cast<std::uint64_t>(i));
  }
}

/// Every word of a ring set to something else while readers read: what they get is whole or nothing.
TEST_F(HostileRing, ReadersOfGarbageNeitherCrashNorHang) {
  std::mt19937_64 random(3);
  for (const layout::Codec codec : {layout::Codec::raw, layout::Codec::h264}) {
    writer.reset();
    writer.emplace(write::Writer::Options{.name = name, .arena_bytes = 1 << 20});
    writer->set_format(codec == layout::Codec::raw ? raw_format() : coded_format());
    for (std::uint64_t n = 1; n <= 20; ++n) put(*writer, n);
    std::vector<std::unique_ptr<read::Reader>> readers;
    for (const read::Delivery delivery : {read::Delivery::newest, read::Delivery::in_order}) {
      for (const std::uint32_t leases : {0U, 1U}) {
        readers.push_back(std::make_unique<read::Reader>(
            read::Reader::Options{.name = name, .delivery = delivery, .leases = leases, .skip_stale = false}));
      }
    }
    Vandal vandal(kernel::object_path(name));
    std::vector<std::byte> good(vandal.bytes().begin(), vandal.bytes().end());
    const std::size_t head_bytes = layout::kRecordsOffset + 64 * sizeof(layout::Record);
    for (int round = 0; round < 300; ++round) {
      // A few words of the header, the formats or the records.
      for (int i = 0; i < 20; ++i) {
        const std::size_t at = 128 + random() % (head_bytes - 136) / 8 * 8;
        std::uint64_t word = random() >> (random() % 64);
        std::memcpy(vandal.bytes().data() + at, &word, 8);
      }
      for (auto& reader : readers) {
        for (int i = 0; i < 30; ++i) {
          const read::Event event = reader->next(0);
          if (event == read::Event::timeout) break;
          if (event == read::Event::unit) static_cast<void>(number_of(reader->unit().bytes));
        }
      }
      if (round % 10 == 9) std::memcpy(vandal.bytes().data(), good.data(), good.size());
    }
    std::memcpy(vandal.bytes().data(), good.data(), good.size());
  }
}

/// In a process of its own, which sees a /dev/shm of 2 MiB; answers what it found wrong, empty when nothing.
std::string in_a_small_directory(const std::string& name) {
  const std::string user = fmt::format("0 {} 1", ::geteuid()), group = fmt::format("0 {} 1", ::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return "cannot have a user namespace";
  for (const auto& [file, text] : {std::pair<const char*, std::string>{"/proc/self/setgroups", "deny"},
                                   {"/proc/self/uid_map", user},
                                   {"/proc/self/gid_map", group}}) {
    const Fd map(::open(file, O_WRONLY | O_CLOEXEC));
    if (::write(map.get(), text.data(), text.size()) < 0) return std::string("cannot write ") + file;
  }
  if (::mount("none", kernel::directory().c_str(), "tmpfs", 0, "size=2m") != 0) return "cannot mount a tmpfs";
  try {
    write::Writer writer({.name = name});
    writer.set_format(raw_format(1920, 1080));
    try {
      writer.room(1920 * 1080);
      return "there was room";
    } catch (const Error& error) {
      if (error.code() != ExitCode::cannot_create) return "the exit code";
      for (const char* part :
           {"needs 15.", "has 2.0 MiB left of 2.0 MiB", "--ring-slots", "remount,size=", "--shm-size="}) {
        if (std::string(error.what()).find(part) == std::string::npos)
          return std::string(part) + " is not in " + error.what();
      }
    }
    if (::access((kernel::object_path(name) + ".new").c_str(), F_OK) == 0) return "something is left behind";
    writer.set_format(raw_format(160, 120));
    if (!put(writer, 1, 160 * 120)) return "a smaller picture was dropped";
    writer.set_format(raw_format(1920, 1080));
    if (put(writer, 2, 1920 * 1080)) return "a picture that does not fit was not dropped";
    if (!put(writer, 3, 160 * 120)) return "a small picture after it was dropped";
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(FullMemory, IsSaidWithTheRemedyAndNeverASignal) {
  int told[2];
  ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
  const pid_t child = in_child([&] {
    const std::string wrong = in_a_small_directory("full");
    [[maybe_unused]] const auto wrote = ::write(told[1], wrong.data(), wrong.size());
  });
  ::close(told[1]);
  std::string wrong(4096, '\0');
  const ssize_t got = ::read(told[0], wrong.data(), wrong.size());
  wrong.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  ::close(told[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(wrong, "");
}

}  // namespace

}  // namespace campipe::ring
