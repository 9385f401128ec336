#include "ring/survey.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "ring/kernel/lock.hpp"
#include "ring/kernel/names.hpp"
#include "ring/layout/format_table.hpp"
#include "ring/layout/geometry.hpp"
#include "ring/layout/source_field.hpp"

namespace campipe::ring {

namespace {

/// A command's name that another process wrote.
std::string command_of(const std::array<std::atomic<std::uint64_t>, 2>& words) {
  const std::array<std::uint64_t, 2> copy{words[0].load(std::memory_order_relaxed),
                                          words[1].load(std::memory_order_relaxed)};
  const auto text = std::bit_cast<std::array<char, 16>>(copy);
  std::string command(text.begin(), std::ranges::find(text, '\0'));
  for (char& c : command) {
    if (c < ' ' || c > '~') c = '?';
  }
  return command;
}

void look_at_readers(const kernel::Object& control, bool mapped, Survey& survey) {
  survey.other_readers = kernel::any_locked(control.fd(), layout::kWatcherByte);
  for (std::uint32_t i = 0; i < layout::kSeats; ++i) {
    if (!kernel::write_locked(control.fd(), layout::kSeatByte + i)) continue;
    Survey::Reader reader;
    reader.seat = i;
    if (mapped) {
      const layout::Seat& seat = reinterpret_cast<const layout::Control*>(control.data())->seat[i];
      const std::uint32_t mode = seat.mode.load(std::memory_order_relaxed);
      reader.pid = seat.pid.load(std::memory_order_relaxed);
      reader.command = command_of(seat.comm);
      reader.wants = seat.want.load(std::memory_order_relaxed) != 0;
      reader.newest = (mode & layout::kSeatNewest) != 0;
      reader.leases = (mode & layout::kSeatLeases) != 0;
      reader.last_seq = seat.last_seq.load(std::memory_order_relaxed);
      reader.lost = seat.lost.load(std::memory_order_relaxed);
      reader.since_us = seat.since_us.load(std::memory_order_relaxed);
    }
    survey.readers.push_back(std::move(reader));
  }
}

/// The rate of the newest units, by when they were published.
void look_at_units(const layout::Parts& parts, const layout::Geometry& geometry, Survey& survey) {
  constexpr std::uint64_t kUnits = 61;
  constexpr std::int64_t kFresh = 3'000'000'000;
  std::vector<std::int64_t> times;
  const std::uint64_t span = std::min<std::uint64_t>(geometry.slots - 1, kUnits);
  for (std::uint64_t seq = survey.head > span ? survey.head - span : 1; seq <= survey.head; ++seq) {
    std::uint64_t at = seq % layout::kRecords;
    if (geometry.kind == layout::Kind::raw)
      at = parts.header->slot_of[seq % layout::kIndex].load(std::memory_order_relaxed);
    if (at >= geometry.slots) continue;
    const layout::Record& record = parts.records[at];
    if (record.seq.load(std::memory_order_acquire) != seq) continue;
    const layout::RecordFields fields = record.load();
    if ((fields.flags & layout::kAudio) == 0) times.push_back(fields.published_ns);
  }
  if (times.empty()) return;
  const std::int64_t age = monotonic_ns() - times.back();
  survey.age_s = static_cast<double>(age) / 1e9;
  if (age > kFresh || times.size() < 2 || times.back() <= times.front()) return;
  survey.frames_per_second =
      static_cast<double>(times.size() - 1) * 1e9 / static_cast<double>(times.back() - times.front());
}

void look_at_ring(const kernel::Object& object, Survey& survey) {
  layout::Geometry geometry;
  std::string why;
  if (!layout::read_geometry(object, geometry, why)) {
    throw Error(ExitCode::bad_data, "shm:" + survey.name + ": is no ring that can be read: " + why + ": 'camring rm " +
                                        survey.name + "' takes it away");
  }
  const layout::Parts parts(object, geometry);
  const layout::Header& header = *parts.header;
  survey.kind = geometry.kind;
  survey.head = header.head.load(std::memory_order_acquire);
  survey.epoch = header.epoch.load(std::memory_order_relaxed);
  survey.units = header.units.load(std::memory_order_relaxed);
  survey.bytes = header.bytes.load(std::memory_order_relaxed);
  survey.dropped = header.dropped.load(std::memory_order_relaxed);
  survey.writer_since_us = header.writer_since_us.load(std::memory_order_relaxed);
  layout::Format format;
  const std::uint32_t generation = header.generation.load(std::memory_order_acquire);
  if (generation != 0 && get_format(parts.formats, generation, format)) survey.format = format;
  if (geometry.kind == layout::Kind::raw) {
    survey.slots = geometry.slots;
    for (std::uint32_t i = 0; i < geometry.slots; ++i) survey.leased += kernel::any_locked(object.fd(), i) ? 1U : 0U;
    survey.oldest = survey.head >= geometry.slots ? survey.head - geometry.slots + 1 : 1;
  } else {
    survey.arena_bytes = geometry.slot_bytes;
    survey.oldest = header.oldest_seq.load(std::memory_order_relaxed);
  }
  look_at_units(parts, geometry, survey);
  if (survey.state == "live") {
    survey.writer_pid = header.writer_pid.load(std::memory_order_relaxed);
    survey.writer_command = command_of(header.writer_comm);
    survey.source = layout::get_source(header).status;
  } else if (header.state.load(std::memory_order_relaxed) == layout::kRetired) {
    survey.state = "retired";
  } else if (header.state.load(std::memory_order_relaxed) == layout::kClosed) {
    survey.state = "closed";
  }
}

}  // namespace

Survey survey(const std::string& name) {
  Survey survey;
  survey.name = name;
  if (!kernel::is_name(name)) throw Error(ExitCode::usage, "'" + name + "' is no ring's name");
  int ring_error = 0, control_error = 0;
  const auto object = kernel::Object::open(kernel::object_path(name), kernel::Object::Access::read_only, ring_error);
  const auto control =
      kernel::Object::open(kernel::control_path(name), kernel::Object::Access::read_only, control_error);
  if (!object && ring_error != ENOENT) throw_errno(ring_error, "shm:" + name);
  if (!object && !control)
    throw Error(ExitCode::no_input, "shm:" + name + ": there is no such ring: see 'camring list'");
  const bool lives = control && kernel::write_locked(control->fd(), layout::kWriterByte);
  survey.state = lives ? "live" : "no writer";
  for (const auto& part : {object, control}) {
    if (part) survey.memory_bytes += part->size();
  }
  struct stat about{};
  if (::fstat(object ? object->fd() : control->fd(), &about) == 0) {
    survey.uid = about.st_uid;
    survey.mode = about.st_mode & 07777;
  }
  if (object) look_at_ring(*object, survey);
  if (control)
    look_at_readers(*control, control->data() != nullptr && control->size() == sizeof(layout::Control), survey);
  return survey;
}

void remove(const std::string& name, bool force) {
  if (!kernel::is_name(name)) throw Error(ExitCode::usage, "'" + name + "' is no ring's name");
  int error = 0;
  const auto control = kernel::Object::open(kernel::control_path(name), kernel::Object::Access::unmapped, error);
  if (control && !force && kernel::write_locked(control->fd(), layout::kWriterByte)) {
    throw Error(ExitCode::try_again, "shm:" + name + ": a program writes it: stop that one first, or --force");
  }
  bool any = false;
  for (const std::string& path :
       {kernel::object_path(name), kernel::control_path(name), kernel::object_path(name) + ".new"}) {
    if (::unlink(path.c_str()) == 0) {
      any = true;
    } else if (errno != ENOENT) {
      throw_errno(errno, "shm:" + name + ": cannot remove " + path);
    }
  }
  if (!any) throw Error(ExitCode::no_input, "shm:" + name + ": there is no such ring: see 'camring list'");
}

}  // namespace campipe::ring
