// A writer or a reader of a ring that checks every picture and keeps count in a file, so that the counts outlive a
// SIGKILL. tests/faults/500-ring.py starts, stops and kills many of them.
//
//   ring_stress write NAME COUNTS FPS SLOTS BYTES           until SIGTERM; FPS 0 = as fast as it can
//   ring_stress read NAME COUNTS newest|order LEASES HOLD   until killed; HOLD microseconds with each picture
//   ring_stress look NAME                                   one JSON line of what is known of the ring
//
// COUNTS is a file of 16 numbers of 64 bits: those of struct Written or struct Read. An existing file is gone on with.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "ring/read/reader.hpp"
#include "ring/survey.hpp"
#include "ring/write/writer.hpp"

namespace campipe::ring {
namespace {

struct Written {
  std::uint64_t published, dropped, in_place, first_ns, last_ns, reserved[11];
};
struct Read {
  std::uint64_t units;   ///< whole and unchanged as long as they were held
  std::uint64_t torn;    ///< not so
  std::uint64_t lost;    ///< as the ring told
  std::uint64_t untold;  ///< jumps of the sequence number that the ring did not tell, and steps back
  std::uint64_t copied;
  std::uint64_t reopened;
  std::uint64_t last_seq;
  std::uint64_t writer;    ///< pid that the newest picture names
  std::uint64_t writers;   ///< times it changed
  std::uint64_t gap_ns;    ///< at the last change: between the last picture of the one and the first of the other
  std::uint64_t late_ns;   ///< at the last change: from the first picture's publication to us
  std::uint64_t first_ns;  ///< at the last change: when the first picture was published
  std::uint64_t holding;   ///< 1 = has a picture in its hands
  std::uint64_t reserved[3];
};
static_assert(sizeof(Written) == 128 && sizeof(Read) == 128);

template <class Counts>
Counts& counts_in(const char* path) {
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(Counts)) != 0) throw std::runtime_error(std::string(path) + ": cannot make it");
  void* const place = ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (place == MAP_FAILED) throw std::runtime_error(std::string(path) + ": cannot map it");
  return *static_cast<Counts*>(place);
}

/// A counter is stored whole, so that who looks from outside never sees half of one.
void set(std::uint64_t& counter, std::uint64_t value) {
  std::atomic_ref(counter).store(value, std::memory_order_relaxed);
}
void add(std::uint64_t& counter, std::uint64_t value = 1) {
  set(counter, counter + value);
}

constexpr std::size_t kStride = 512;  ///< one word in so many bytes is written and checked

std::uint64_t word_of(std::uint64_t number, std::size_t at) {
  return (number + at) * 0x9e3779b97f4a7c15U;
}

void draw(std::span<std::byte> picture, std::uint64_t number) {
  for (std::size_t at = 0; at + 8 <= picture.size(); at += kStride) {
    const std::uint64_t word = word_of(number, at);
    std::memcpy(picture.data() + at, &word, 8);
  }
}

bool is_whole(std::span<const std::byte> picture, std::uint64_t number) {
  for (std::size_t at = 0; at + 8 <= picture.size(); at += kStride) {
    const std::uint64_t word = word_of(number, at);
    if (std::memcmp(picture.data() + at, &word, 8) != 0) return false;
  }
  return !picture.empty();
}

std::atomic<bool> stopped{false};

void sleep_until(std::int64_t ns) {
  const timespec at{ns / 1'000'000'000, ns % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR && !stopped) {
  }
}

int write(const std::string& name, const char* file, double fps, std::uint32_t slots, std::size_t bytes) {
  auto& counts = counts_in<Written>(file);
  struct sigaction action{};
  action.sa_handler = [](int) { stopped = true; };
  ::sigaction(SIGTERM, &action, nullptr);
  write::Writer writer({.name = name, .slots = slots});
  writer.set_format({.pixel_format = "gray",
                     .width_px = kStride,
                     .height_px = static_cast<std::uint32_t>(bytes / kStride),
                     .rate_num = static_cast<std::uint32_t>(fps)});
  std::vector<std::byte> own(bytes);
  std::int64_t due = monotonic_ns();
  for (std::uint64_t n = 0; !stopped; ++n) {
    if (fps > 0) sleep_until(due += static_cast<std::int64_t>(1e9 / fps));
    due = std::max(due, monotonic_ns() - 100'000'000);  // what was missed is not made up for at once
    const auto number = static_cast<std::uint64_t>(monotonic_ns());
    // Every other picture is drawn in place, the others are copied in.
    auto room = n % 2 == 0 ? writer.room(bytes) : std::nullopt;
    const std::span<std::byte> picture = room ? room->bytes : own;
    draw(picture, number);
    const layout::UnitInfo info{.pts_us = static_cast<std::int64_t>(number),
                                .source_sequence = static_cast<std::uint64_t>(::getpid()),
                                .flags = layout::kKeyframe | layout::kHasSequence};
    if (!writer.publish(info, picture)) {
      add(counts.dropped);
      continue;
    }
    if (room) add(counts.in_place);
    set(counts.last_ns, number);
    if (counts.first_ns == 0) set(counts.first_ns, number);
    add(counts.published);
  }
  return 0;
}

/// One picture: whole as it comes, and as it goes.
void check(const layout::Unit& unit, Read& counts, unsigned hold_us) {
  const auto number = static_cast<std::uint64_t>(unit.info.pts_us);
  bool whole = is_whole(unit.bytes, number);
  if (hold_us > 0) {
    set(counts.holding, 1);
    ::usleep(hold_us);
    whole = is_whole(unit.bytes, number) && whole;
    set(counts.holding, 0);
  }
  add(whole ? counts.units : counts.torn);
  if (!unit.leased) add(counts.copied);
}

/// A writer names itself in its pictures: what did its coming cost us?
void note_writer(const layout::Unit& unit, Read& counts, std::int64_t arrived_ns, std::int64_t last_arrived_ns) {
  if (unit.info.source_sequence == counts.writer) return;
  set(counts.gap_ns, last_arrived_ns == 0 ? 0 : static_cast<std::uint64_t>(arrived_ns - last_arrived_ns));
  set(counts.late_ns, static_cast<std::uint64_t>(arrived_ns - unit.published_ns));
  set(counts.first_ns, static_cast<std::uint64_t>(unit.published_ns));
  set(counts.writer, unit.info.source_sequence);
  add(counts.writers);
}

int read(const std::string& name, const char* file, read::Delivery delivery, std::uint32_t leases, unsigned hold_us) {
  auto& counts = counts_in<Read>(file);
  read::Reader reader({.name = name, .delivery = delivery, .leases = leases});
  std::uint64_t last_seq = 0;
  std::int64_t last_arrived_ns = 0;
  layout::Unit kept;  // with two leases: the picture before, held while the next one comes
  std::uint64_t kept_number = 0;
  for (;;) {
    if (reader.next(-1) != read::Event::unit) continue;
    const std::int64_t arrived_ns = monotonic_ns();
    layout::Unit& unit = reader.unit();
    // Under `newest`, too, seq and lost tell of each unit passed over.
    if (last_seq != 0 && unit.seq != last_seq + 1 + unit.lost) add(counts.untold);
    last_seq = unit.seq;
    note_writer(unit, counts, arrived_ns, last_arrived_ns);
    last_arrived_ns = arrived_ns;
    check(unit, counts, hold_us);
    if (kept.owner && !is_whole(kept.bytes, kept_number)) add(counts.torn);
    kept = layout::Unit();
    set(counts.lost, reader.stats().lost);
    set(counts.reopened, reader.stats().reopened);
    set(counts.last_seq, last_seq);
    kept_number = static_cast<std::uint64_t>(unit.info.pts_us);
    if (leases > 1) kept = std::move(unit);
  }
}

int look(const std::string& name) {
  const Survey seen = survey(name);
  std::printf(
      "{\"state\": \"%s\", \"slots\": %u, \"leased\": %u, \"readers\": %zu, \"head\": %llu, \"units\": %llu, "
      "\"dropped\": %llu, \"epoch\": %u, \"writer\": %u}\n",
      seen.state.c_str(), seen.slots, seen.leased, seen.readers.size(), static_cast<unsigned long long>(seen.head),
      static_cast<unsigned long long>(seen.units), static_cast<unsigned long long>(seen.dropped), seen.epoch,
      seen.writer_pid);
  return 0;
}

int run(const std::vector<std::string>& args) {
  if (args.size() == 6 && args[0] == "write") {
    return write(args[1], args[2].c_str(), std::stod(args[3]), static_cast<std::uint32_t>(std::stoul(args[4])),
                 std::stoul(args[5]));
  }
  if (args.size() == 6 && args[0] == "read" && (args[3] == "newest" || args[3] == "order")) {
    return read(args[1], args[2].c_str(), args[3] == "newest" ? read::Delivery::newest : read::Delivery::in_order,
                static_cast<std::uint32_t>(std::stoul(args[4])), static_cast<unsigned>(std::stoul(args[5])));
  }
  if (args.size() == 2 && args[0] == "look") return look(args[1]);
  std::fprintf(stderr,
               "usage: ring_stress write NAME COUNTS FPS SLOTS BYTES | read NAME COUNTS newest|order LEASES "
               "HOLD | look NAME\n");
  return 64;
}

}  // namespace
}  // namespace campipe::ring

int main(int argc, char** argv) {
  try {
    return campipe::ring::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ring_stress: %s\n", error.what());
    return 69;
  }
}
