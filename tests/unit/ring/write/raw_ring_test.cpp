#include <csignal>
#include <fstream>
#include <thread>

#include "ring/ring_support.hpp"

namespace campipe::ring {

namespace {

using RawRing = RingTest;

TEST_F(RawRing, GivesTheFormatAndThenEachPictureWithAllThatIsKnownOfIt) {
  write::Writer writer({.name = name});
  layout::Format format = raw_format();
  format.range = layout::Range::full;
  format.matrix = layout::Matrix::bt709;
  format.anchor_realtime_us = 1'700'000'000'000'000;
  format.anchor_monotonic_ns = 12345;
  format.boot_id = "0af1c2-b";
  writer.set_format(format);
  layout::UnitInfo info{.pts_us = 7,
                        .dts_us = 6,
                        .captured_ns = 5,
                        .source_sequence = 4,
                        .flags = layout::kKeyframe | layout::kHasDts | layout::kCorrupt,
                        .planes = 1};
  info.plane[0] = {0, 64};
  ASSERT_TRUE(writer.publish(info, numbered(42, kPictureBytes)));

  read::Reader reader({.name = name});
  ASSERT_EQ(reader.next(1000), read::Event::format);
  EXPECT_EQ(reader.format(), format);
  ASSERT_EQ(reader.next(1000), read::Event::unit);
  const layout::Unit& unit = reader.unit();
  EXPECT_EQ(number_of(unit.bytes), 42U);
  EXPECT_EQ(unit.bytes.size(), kPictureBytes);
  EXPECT_TRUE(unit.leased);
  EXPECT_EQ(unit.seq, 1U);
  EXPECT_EQ(unit.lost, 0U);
  EXPECT_EQ(unit.info.pts_us, 7);
  EXPECT_EQ(unit.info.dts_us, 6);
  EXPECT_EQ(unit.info.captured_ns, 5);
  EXPECT_EQ(unit.info.source_sequence, 4U);
  EXPECT_EQ(unit.info.flags, layout::kKeyframe | layout::kHasDts | layout::kCorrupt);
  EXPECT_EQ(unit.info.planes, 1U);
  EXPECT_EQ(unit.info.plane[0].stride_bytes, 64U);
  EXPECT_EQ(reader.next(0), read::Event::timeout);
}

TEST_F(RawRing, InOrderGivesEachPictureTheRingStillHas) {
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  put(writer, 100);
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 100U);
  for (std::uint64_t n = 101; n < 105; ++n) put(writer, n);
  for (std::uint64_t n = 101; n < 105; ++n) EXPECT_EQ(get(reader), n);
  EXPECT_EQ(reader.stats().lost, 0U);
}

TEST_F(RawRing, InOrderTellsWhatItLost) {
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  put(writer, 1);
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  for (std::uint64_t n = 2; n <= 101; ++n) put(writer, n);
  const std::uint64_t first = get(reader);
  EXPECT_GT(first, 90U);
  EXPECT_EQ(reader.unit().lost, first - 2);
  EXPECT_EQ(reader.stats().lost, first - 2);
  for (std::uint64_t n = first + 1; n <= 101; ++n) {
    EXPECT_EQ(get(reader), n);
    EXPECT_EQ(reader.unit().lost, 0U);
  }
}

TEST_F(RawRing, NewestWinsGivesTheNewest) {
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  put(writer, 1);
  read::Reader reader({.name = name, .delivery = read::Delivery::newest});
  EXPECT_EQ(get(reader), 1U);
  for (std::uint64_t n = 2; n <= 6; ++n) put(writer, n);
  EXPECT_EQ(get(reader), 6U);
  EXPECT_EQ(reader.unit().lost, 4U);
  EXPECT_EQ(reader.next(0), read::Event::timeout);
}

TEST_F(RawRing, ALeasedPictureNeverChangesHoweverFarTheWriterGoes) {
  write::Writer writer({.name = name, .slots = layout::kMinSlots});
  writer.set_format(raw_format());
  put(writer, 1);
  read::Reader reader({.name = name});
  ASSERT_EQ(get(reader), 1U);
  const layout::Unit held = std::move(reader.unit());
  ASSERT_TRUE(held.leased);
  EXPECT_EQ(survey(name).leased, 1U);
  for (std::uint64_t n = 2; n <= 200; ++n) {
    ASSERT_TRUE(put(writer, n));
    ASSERT_EQ(number_of(held.bytes), 1U);
  }
  EXPECT_EQ(writer.stats().dropped, 0U);
}

TEST_F(RawRing, ALeaseEndsWithItsLastOwner) {
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  put(writer, 1);
  read::Reader reader({.name = name});
  get(reader);
  auto first = reader.unit().owner;
  auto second = first;
  first.reset();
  put(writer, 2);
  get(reader);
  EXPECT_FALSE(reader.unit().leased) << "one ticket, and it is in use";
  EXPECT_EQ(reader.stats().copied, 1U);
  EXPECT_EQ(survey(name).leased, 1U);
  second.reset();
  EXPECT_EQ(survey(name).leased, 0U);
  put(writer, 3);
  get(reader);
  EXPECT_TRUE(reader.unit().leased);
}

TEST_F(RawRing, MoreReadersThanTicketsCopyAndTheWriterAlwaysFindsASlot) {
  write::Writer writer({.name = name, .slots = 6});
  writer.set_format(raw_format());
  put(writer, 1);
  std::vector<std::unique_ptr<read::Reader>> readers;
  std::vector<layout::Unit> held;
  for (int i = 0; i < 5; ++i) {
    readers.push_back(std::make_unique<read::Reader>(read::Reader::Options{.name = name}));
    EXPECT_EQ(get(*readers.back()), static_cast<std::uint64_t>(i + 1));
    EXPECT_EQ(readers.back()->unit().leased, i < 2);
    held.push_back(std::move(readers.back()->unit()));
    put(writer, static_cast<std::uint64_t>(i + 2));
  }
  for (std::uint64_t n = 10; n < 60; ++n) EXPECT_TRUE(put(writer, n));
  for (std::size_t i = 0; i < held.size(); ++i) EXPECT_EQ(number_of(held[i].bytes), i + 1);
}

TEST_F(RawRing, ARoomIsPublishedInPlaceAndNotUsedAgainWhileItsOwnerLives) {
  write::Writer writer({.name = name, .slots = layout::kMinSlots});
  writer.set_format(raw_format());
  auto room = writer.room(kPictureBytes);
  ASSERT_TRUE(room);
  const auto picture = numbered(7, kPictureBytes);
  std::ranges::copy(picture, room->bytes.begin());
  const std::span<const std::byte> drawn = room->bytes;
  ASSERT_TRUE(writer.publish({.flags = layout::kKeyframe}, drawn));
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 7U);
  EXPECT_EQ(writer.stats().in_place, 1U);
  EXPECT_EQ(reader.stats().copied, 0U);
  reader.unit() = layout::Unit();
  for (std::uint64_t n = 10; n < 60; ++n) ASSERT_TRUE(put(writer, n));
  EXPECT_EQ(writer.stats().in_place, 1U);
  EXPECT_EQ(number_of(drawn), 7U);
  room.reset();
  for (std::uint64_t n = 60; n < 80; ++n) ASSERT_TRUE(put(writer, n));
  EXPECT_NE(number_of(drawn), 7U);
}

TEST_F(RawRing, RoomsNeverTakeTheSlotThatPublishNeeds) {
  write::Writer writer({.name = name, .slots = layout::kMinSlots});
  writer.set_format(raw_format());
  put(writer, 1);
  read::Reader reader({.name = name});
  get(reader);
  const layout::Unit held = std::move(reader.unit());
  std::vector<write::Room> rooms;
  while (auto room = writer.room(kPictureBytes)) rooms.push_back(std::move(*room));
  EXPECT_EQ(rooms.size(), 2U);
  for (std::uint64_t n = 2; n < 20; ++n) EXPECT_TRUE(put(writer, n));
  EXPECT_EQ(number_of(held.bytes), 1U);
}

TEST_F(RawRing, ABiggerPictureGetsABiggerRingAndReadersFollow) {
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  read::Reader reader({.name = name});
  put(writer, 1);
  EXPECT_EQ(get(reader), 1U);
  const layout::Unit held = std::move(reader.unit());
  put(writer, 2);
  writer.set_format(raw_format(640, 480));
  ASSERT_TRUE(put(writer, 3, 640 * 480));
  EXPECT_EQ(get(reader), 2U) << "the old ring is read to its end";
  ASSERT_EQ(reader.next(1000), read::Event::format);
  EXPECT_EQ(reader.format().width_px, 640U);
  EXPECT_EQ(get(reader), 3U);
  EXPECT_EQ(reader.unit().bytes.size(), 640U * 480);
  EXPECT_EQ(reader.stats().lost, 0U);
  EXPECT_EQ(number_of(held.bytes), 1U);
}

TEST_F(RawRing, AFormatThatIsToldAgainIsNoNewFormat) {
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  read::Reader reader({.name = name});
  put(writer, 1);
  ASSERT_EQ(reader.next(1000), read::Event::format);
  ASSERT_EQ(reader.next(1000), read::Event::unit);
  layout::Format other = raw_format();
  other.rate_num = 25;
  writer.set_format(other);
  writer.set_format(raw_format());
  put(writer, 2);
  EXPECT_EQ(reader.next(1000), read::Event::unit);
}

TEST_F(RawRing, ManyFormatsInOneLapLeaveNoPictureWithAWrongOne) {
  write::Writer writer({.name = name, .slots = 40});
  writer.set_format(raw_format());
  put(writer, 1);
  read::Reader reader({.name = name});
  get(reader);
  for (std::uint32_t n = 2; n <= 30; ++n) {
    layout::Format format = raw_format();
    format.rate_num = n;
    writer.set_format(format);
    put(writer, n);
  }
  std::uint64_t got = 0, lost = 0;
  while (got < 30) {
    const read::Event event = reader.next(1000);
    ASSERT_NE(event, read::Event::timeout);
    if (event != read::Event::unit) continue;
    got = number_of(reader.unit().bytes);
    lost += reader.unit().lost;
    EXPECT_EQ(reader.format().rate_num, got);
  }
  EXPECT_EQ(lost, 30 - 1 - layout::kFormats);
}

TEST_F(RawRing, AReaderWaitsForTheName) {
  read::Reader reader({.name = name});
  EXPECT_EQ(reader.next(0), read::Event::timeout);
  EXPECT_EQ(reader.link(), read::Link::no_ring);
  std::jthread late([this, before = kernel::waits_begun()] {
    await_wait(before);
    write::Writer writer({.name = name});
    writer.set_format(raw_format());
    put(writer, 9);
    while (survey(name).readers.empty() || survey(name).readers[0].last_seq == 0) std::this_thread::yield();
  });
  EXPECT_EQ(get(reader), 9U);
  EXPECT_EQ(reader.link(), read::Link::live);
}

TEST_F(RawRing, AReaderThatCameWhileTheControlObjectWasInTheMakingLeasesAllTheSame) {
  std::ofstream(kernel::control_path(name)) << std::string(sizeof(layout::Control), '\0');
  read::Reader reader({.name = name});
  EXPECT_EQ(reader.next(0), read::Event::timeout);
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  put(writer, 1);
  EXPECT_EQ(get(reader), 1U);
  EXPECT_TRUE(reader.unit().leased);
  EXPECT_EQ(survey(name).readers.size(), 1U);
}

TEST_F(RawRing, InterruptEndsAWait) {
  read::Reader nothing({.name = name});
  std::jthread first([&, before = kernel::waits_begun()] {
    await_wait(before);
    nothing.interrupt();
  });
  EXPECT_EQ(nothing.next(60'000), read::Event::interrupted);
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  put(writer, 1);
  read::Reader reader({.name = name});
  get(reader);
  std::jthread second([&, before = kernel::waits_begun()] {
    await_wait(before);
    reader.interrupt();
  });
  EXPECT_EQ(reader.next(60'000), read::Event::interrupted);
}

TEST_F(RawRing, ANewWriterTakesOverAndReadersGoOn) {
  layout::Format format = raw_format();
  format.boot_id = "not-of-this-boot";
  const pid_t first = in_child([&] {
    write::Writer writer({.name = name});
    writer.set_format(format);
    for (std::uint64_t n = 1; n <= 5; ++n) put(writer, n);
    ::pause();
  });
  read::Reader reader({.name = name});
  std::uint64_t got = 0;
  while (got < 5) got = get(reader);
  const layout::Unit held = std::move(reader.unit());
  kill_and_reap(first);

  write::Writer writer({.name = name});
  EXPECT_FALSE(writer.inherited()) << "a clock of another boot";
  writer.set_format(format);
  for (std::uint64_t n = 6; n <= 40; ++n) {
    put(writer, n);
    EXPECT_EQ(reader.next(1000), read::Event::unit) << "the format is as it was";
    EXPECT_EQ(number_of(reader.unit().bytes), n);
    EXPECT_EQ(reader.unit().seq, n);
    EXPECT_EQ(reader.unit().lost, 0U);
  }
  EXPECT_EQ(number_of(held.bytes), 5U);
  EXPECT_EQ(survey(name).epoch, 2U);
}

TEST_F(RawRing, ASecondWriterIsRefused) {
  write::Writer writer({.name = name});
  try {
    write::Writer second({.name = name});
    FAIL() << "two writers";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::try_again);
    EXPECT_NE(std::string(error.what()).find("another program writes it"), std::string::npos);
  }
}

TEST_F(RawRing, AKilledReaderLeavesNothingBehind) {
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  put(writer, 1);
  const Told told;
  const pid_t child = in_child([&] {
    read::Reader reader({.name = name});
    get(reader);
    told.tell();
    ::pause();
  });
  told.wait();
  EXPECT_EQ(survey(name).leased, 1U);
  EXPECT_EQ(survey(name).readers.size(), 1U);
  EXPECT_EQ(survey(name).readers.at(0).pid, static_cast<std::uint32_t>(child));
  kill_and_reap(child);
  EXPECT_EQ(survey(name).leased, 0U);
  EXPECT_TRUE(survey(name).readers.empty());
}

TEST_F(RawRing, AForkedChildKeepsNoLeaseAndNoName) {
  auto writer = std::make_unique<write::Writer>(write::Writer::Options{.name = name});
  writer->set_format(raw_format());
  put(*writer, 1);
  auto reader = std::make_unique<read::Reader>(read::Reader::Options{.name = name});
  get(*reader);
  const pid_t child = in_child([] { ::pause(); });
  reader.reset();
  EXPECT_EQ(survey(name).leased, 0U);
  writer.reset();
  const write::Writer next({.name = name});
  kill_and_reap(child);
}

TEST_F(RawRing, AForkedChildThatEndsInOrderTakesNothingAway) {
  write::Writer writer({.name = name});
  writer.set_format(raw_format());
  put(writer, 1);
  read::Reader reader({.name = name});
  get(reader);
  const layout::Unit held = std::move(reader.unit());
  const pid_t child = in_child([&] {
    bool refused = false;
    try {
      reader.next(0);
    } catch (const Error&) {
      refused = true;
    }
    {
      const read::Reader gone = std::move(reader);
      const write::Writer gone_too = std::move(writer);
    }
    ::_exit(refused ? 0 : 1);
  });
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  for (std::uint64_t n = 2; n < 30; ++n) {
    put(writer, n);
    EXPECT_EQ(get(reader), n);
  }
  EXPECT_EQ(number_of(held.bytes), 1U);
  EXPECT_EQ(survey(name).readers.size(), 1U);
}

TEST_F(RawRing, WhoWantsIsKnown) {
  write::Writer writer({.name = name});
  EXPECT_FALSE(writer.wanted());
  read::Reader reader({.name = name, .want = false});
  EXPECT_FALSE(writer.wanted());
  reader.set_want(true);
  EXPECT_TRUE(writer.wanted()) << "before there is any picture";
  reader.set_want(false);
  EXPECT_FALSE(writer.wanted());
  std::jthread later([&, before = kernel::waits_begun()] {
    await_wait(before);
    reader.set_want(true);
  });
  while (!writer.wanted()) writer.wait_for_wish(10'000);
  EXPECT_FALSE(writer.keyframe_wanted());
  reader.request_keyframe();
  reader.request_keyframe();
  EXPECT_TRUE(writer.keyframe_wanted());
  EXPECT_FALSE(writer.keyframe_wanted());
}

TEST_F(RawRing, AWriterThatEndsInOrderLeavesNothingWhenNobodyReads) {
  {
    const write::Writer writer({.name = name});
  }
  EXPECT_NE(::access(kernel::control_path(name).c_str(), F_OK), 0);
  {
    write::Writer writer({.name = name});
    writer.set_format(raw_format());
    put(writer, 1);
  }
  EXPECT_NE(::access(kernel::object_path(name).c_str(), F_OK), 0);
  EXPECT_NE(::access(kernel::control_path(name).c_str(), F_OK), 0);
}

TEST_F(RawRing, TheLastReaderOfAnEndedRingTakesItAway) {
  auto writer = std::make_unique<write::Writer>(write::Writer::Options{.name = name});
  writer->set_format(raw_format());
  put(*writer, 1);
  auto one = std::make_unique<read::Reader>(read::Reader::Options{.name = name});
  auto two = std::make_unique<read::Reader>(read::Reader::Options{.name = name});
  get(*one);
  writer.reset();
  one.reset();
  EXPECT_EQ(::access(kernel::object_path(name).c_str(), F_OK), 0);
  two.reset();
  EXPECT_NE(::access(kernel::object_path(name).c_str(), F_OK), 0);
  EXPECT_NE(::access(kernel::control_path(name).c_str(), F_OK), 0);
}

TEST_F(RawRing, WhoeverLeavesLastTakesTheRingAwayThoughAllLeaveAtOnce) {
  for (int round = 0; round < 200; ++round) {
    auto writer = std::make_unique<write::Writer>(write::Writer::Options{.name = name});
    writer->set_format(raw_format());
    put(*writer, 1);
    auto one = std::make_unique<read::Reader>(read::Reader::Options{.name = name});
    auto two = std::make_unique<read::Reader>(read::Reader::Options{.name = name});
    std::atomic<int> ready{0};
    const auto leave = [&](auto& who) {
      ++ready;
      while (ready < 3) std::this_thread::yield();
      who.reset();
    };
    {
      const std::jthread first([&] { leave(one); }), second([&] { leave(two); });
      leave(writer);
    }
    ASSERT_NE(::access(kernel::object_path(name).c_str(), F_OK), 0) << round;
    ASSERT_NE(::access(kernel::control_path(name).c_str(), F_OK), 0) << round;
  }
}

TEST_F(RawRing, ModesAreAsAsked) {
  write::Writer writer({.name = name, .mode = 0664});
  writer.set_format(raw_format());
  put(writer, 1);
  struct stat about{};
  ASSERT_EQ(::stat(kernel::object_path(name).c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0644U);
  ASSERT_EQ(::stat(kernel::control_path(name).c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0664U);
}

TEST_F(RawRing, BadOptionsAreRefused) {
  for (const char* bad : {"", "a/b", "..", "a.b.c", "front.ctl", "x.new", "a b"}) {
    EXPECT_THROW(write::Writer({.name = bad}), Error) << bad;
    EXPECT_THROW(read::Reader({.name = bad}), Error) << bad;
  }
  EXPECT_THROW(write::Writer({.name = name, .slots = 2}), Error);
  EXPECT_THROW(write::Writer({.name = name, .slots = 65}), Error);
  EXPECT_THROW(write::Writer({.name = name, .mode = 0200}), Error);
}

TEST_F(RawRing, AFormatThatReadersWouldNotTakeIsRefused) {
  write::Writer writer({.name = name});
  EXPECT_THROW(writer.set_format(raw_format(48'600, 10)), Error);
  EXPECT_THROW(writer.set_format(raw_format(0, 10)), Error);
  layout::Format format = raw_format();
  format.rate_den = 0;
  EXPECT_THROW(writer.set_format(format), Error);
  writer.set_format(raw_format());
  EXPECT_TRUE(put(writer, 1));
}

TEST_F(RawRing, AWriterThatComesBackAfterRemovalIsFound) {
  auto writer = std::make_unique<write::Writer>(write::Writer::Options{.name = name});
  writer->set_format(raw_format());
  put(*writer, 1);
  put(*writer, 2);
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 2U);
  writer.reset();
  remove(name, false);
  write::Writer again({.name = name});
  again.set_format(raw_format());
  put(again, 50);
  EXPECT_EQ(get(reader), 50U);
}

}  // namespace

}  // namespace campipe::ring
