#include "ring/read/reader.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <mutex>
#include <optional>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "ring/kernel/futex.hpp"
#include "ring/kernel/name_watch.hpp"
#include "ring/kernel/names.hpp"
#include "ring/layout/format_table.hpp"
#include "ring/layout/source_field.hpp"
#include "ring/read/control.hpp"
#include "ring/read/view.hpp"

namespace campipe::ring::read {

namespace {

constexpr int kProbeMs = 500;

}  // namespace

struct Reader::State {
  explicit State(Options o);
  ~State() { leave(); }

  Event next(int timeout_ms);
  bool attach();
  void detach() noexcept;
  bool take();
  bool stale() const;
  bool take_early_format();
  bool take_source();
  std::optional<Event> step();
  void probe();
  bool ask_writer() const noexcept;
  void find_control();
  bool wait(std::int64_t deadline_ns);
  void leave() noexcept;

  const Options options;
  const std::uint32_t forks = kernel::fork_count();
  std::atomic<std::uint32_t> interrupts{0};
  std::uint32_t interrupts_seen = 0;
  Fd wake;

  std::mutex control_mutex;  // over both below: set_want() and request_keyframe() come from any thread
  std::unique_ptr<Control> control;
  bool want;

  std::optional<kernel::NameWatch> names;  ///< while there is no ring
  std::unique_ptr<View> view;
  View::Place place;
  std::uint64_t lineage = 0;
  bool attached_before = false;
  std::uint32_t futex_seen = 0;
  std::uint32_t state_seen = 0;
  std::uint32_t generation = 0;
  bool has_format = false;
  layout::Format format;
  layout::Unit unit;
  bool unit_waits = false;  ///< behind the format that was told first
  bool writer_lives = false;
  SourceStatus source;
  std::uint32_t source_version = 0, source_epoch = 0, rests = 0;
  std::int64_t quiet_since_ns = 0;  ///< since when nothing came or was looked after
  Stats stats;
};

Reader::State::State(Options o) : options(std::move(o)), want(options.want) {
  kernel::require_name(options.name);
  wake = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) throw_errno(errno, "shm:" + options.name + ": cannot make an event descriptor");
  attach();
}

/// The control object that has the name now. Without a seat it is tried again: it may have been in the making.
void Reader::State::find_control() {
  const std::lock_guard lock(control_mutex);
  if (control && control->has_seat() && control->object().is_at(kernel::control_path(options.name))) return;
  control = Control::open(options.name);
  if (control) control->set_want(want);
}

/// Opens the ring that has the name now. Answers false when there is none. Throws when it cannot be read.
bool Reader::State::attach() {
  int error = 0;
  auto object = kernel::Object::open(kernel::object_path(options.name), kernel::Object::Access::read_only, error);
  find_control();  // after the ring, which its writer makes after the control object: else there is no seat, no lease
  const std::string shown = "shm:" + options.name;
  if (!object) {
    if (error == ENOENT || attached_before) return false;
    if (error == EACCES || error == EPERM) {
      throw Error(ExitCode::permission, shown + ": may not be read: have its writer use --ring-group or --ring-mode");
    }
    throw_errno(error, shown + ": cannot open " + kernel::object_path(options.name));
  }
  layout::Geometry geometry;
  std::string why;
  if (!layout::read_geometry(*object, geometry, why)) {
    if (attached_before) return false;  // somebody spoilt it under us: its writer will make another
    throw Error(ExitCode::bad_data, shown + ": is no ring that can be read: " + why +
                                        ": restart its writer, or 'camring rm " + options.name + "'");
  }
  std::uint32_t leases = 0;
  {
    const std::lock_guard lock(control_mutex);
    if (control) {
      control->give_tickets_back();
      leases = control->take_tickets(geometry.tickets, geometry.kind == layout::Kind::raw ? options.leases : 0);
      control->tell((options.delivery == Delivery::newest ? layout::kSeatNewest : 0) |
                    (leases > 0 ? layout::kSeatLeases : 0));
    }
    writer_lives = ask_writer();
  }
  const bool goes_on = attached_before && geometry.lineage == lineage;
  view = make_view(std::move(object), geometry, options.delivery, leases);
  lineage = geometry.lineage;
  names.reset();
  generation = 0;
  source_version = source_epoch = 0;  // of another object
  if (goes_on) {
    ++stats.reopened;
  } else {
    place = view->join(options.skip_stale && (!writer_lives || stale()));
  }
  attached_before = true;
  return true;
}

/// Whether the newest unit is from so long ago that its writer must be resting.
bool Reader::State::stale() const {
  constexpr std::int64_t kFreshNs = 2'000'000'000;
  const auto published = view->newest_published_ns();
  if (!published) return false;
  std::int64_t fresh_ns = kFreshNs;
  layout::Format told;
  if (get_format(view->parts().formats, view->header().generation.load(std::memory_order_acquire), told) &&
      told.rate_num > 0) {
    fresh_ns = std::max(fresh_ns, std::int64_t{3'000'000'000} * told.rate_den / told.rate_num);
  }
  return monotonic_ns() - *published > fresh_ns;
}

/// The format of what will come, when it is known before anything comes: its writer may rest.
bool Reader::State::take_early_format() {
  if (has_format) return false;
  const std::uint32_t newest = view->header().generation.load(std::memory_order_acquire);
  if (newest == 0 || !get_format(view->parts().formats, newest, format)) return false;
  generation = newest;
  return has_format = true;
}

/// Whether what the writer says of its source has changed.
bool Reader::State::take_source() {
  const layout::Header& header = view->header();
  // Acquire: a status stored with this version, or before this epoch, is seen.
  const std::uint32_t version = header.source.version.load(std::memory_order_acquire);
  const std::uint32_t epoch = header.epoch.load(std::memory_order_acquire);
  if (version == source_version && epoch == source_epoch) return false;
  layout::SourceNote note = layout::get_source(header);
  source_version = note.version;
  source_epoch = epoch;
  rests = note.rests;
  return std::exchange(source, std::move(note.status)) != source;
}

void Reader::State::detach() noexcept {
  view.reset();
}

/// Takes the next unit, if there is one.
bool Reader::State::take() {
  for (;;) {
    auto taken = view->take(place);
    stats.damaged += std::exchange(place.damaged, 0);
    if (!taken) return false;
    if (view->object().damaged()) return false;
    if (taken->generation != generation || !has_format) {
      layout::Format told;
      if (!get_format(view->parts().formats, taken->generation, told)) {
        place.lost = taken->unit.lost + 1;
        continue;  // eight formats ago, or spoilt
      }
      generation = taken->generation;
      unit_waits = !has_format || !(told == format);
      format = std::move(told);
      has_format = true;
    }
    unit = std::move(taken->unit);
    ++stats.units;
    stats.lost += unit.lost;
    if (!unit.leased) ++stats.copied;
    writer_lives = true;
    const std::lock_guard lock(control_mutex);
    if (control) control->tell(unit.seq, stats.lost);
    return true;
  }
}

/// What can be answered without waiting.
std::optional<Event> Reader::State::step() {
  if (std::exchange(unit_waits, false)) return Event::unit;
  unit = layout::Unit();  // gives a lease back before the next is taken
  if (!view && !attach()) return std::nullopt;
  const layout::Header& header = view->header();
  // Acquire, and before the look for units: what a writer published before it retired the ring is seen.
  state_seen = header.state.load(std::memory_order_acquire);
  futex_seen = header.futex.load(std::memory_order_acquire);
  if (!view->object().damaged() && take_source()) return Event::source;  // before the units that come after it
  if (take()) return unit_waits ? Event::format : Event::unit;
  if (!view->object().damaged() && take_early_format()) return Event::format;
  if (view->object().damaged()) {
    ++stats.damaged;
    detach();
  } else if (state_seen == layout::kRetired && !view->object().is_at(kernel::object_path(options.name))) {
    detach();
    if (attach()) futex_seen = view->header().futex.load(std::memory_order_relaxed) + 1;  // look before waiting
  }
  return std::nullopt;
}

/// With control_mutex held. Who may not look takes it that the writer lives; without a control object there is none, or
/// somebody took the ring away from it.
bool Reader::State::ask_writer() const noexcept {
  return control ? control->writer_lives() : ::access(kernel::control_path(options.name).c_str(), F_OK) == 0;
}

/// Nothing came for a while: is everything still where it was?
void Reader::State::probe() {
  find_control();
  const std::lock_guard lock(control_mutex);
  writer_lives = ask_writer();
  const std::string path = kernel::object_path(options.name);
  if (view && !view->object().is_at(path) && (!writer_lives || ::access(path.c_str(), F_OK) == 0)) detach();
}

/// Answers false when the time was over before.
bool Reader::State::wait(std::int64_t deadline_ns) {
  const std::int64_t now = monotonic_ns();
  if (now >= deadline_ns) return false;
  const std::int64_t left_ms = (deadline_ns - now + 999'999) / 1'000'000;
  const int slice = static_cast<int>(std::min<std::int64_t>(left_ms, kProbeMs));
  if (view) {
    kernel::wait_on(view->header().futex, futex_seen, interrupts, interrupts_seen, slice);
    const std::int64_t after = monotonic_ns();
    if (view->header().futex.load(std::memory_order_relaxed) != futex_seen) {
      quiet_since_ns = after;
    } else if (after - quiet_since_ns >= std::int64_t{kProbeMs} * 1'000'000) {
      quiet_since_ns = after;
      probe();
    }
    return true;
  }
  if (!names) {
    names.emplace();
    if (attach()) return true;  // it came before we watched
  }
  names->wait(wake.get(), slice);
  return true;
}

Event Reader::State::next(int timeout_ms) {
  if (forks != kernel::fork_count()) {
    throw Error(ExitCode::internal,
                "shm:" + options.name + ": a forked child cannot read its parent's ring: open it again there");
  }
  const std::int64_t deadline =
      timeout_ms < 0 ? std::numeric_limits<std::int64_t>::max() : monotonic_ns() + std::int64_t{timeout_ms} * 1'000'000;
  for (;;) {
    // Acquire: what was done before interrupt() is seen after it.
    const std::uint32_t asked = interrupts.load(std::memory_order_acquire);
    if (asked != interrupts_seen) {
      interrupts_seen = asked;
      return Event::interrupted;
    }
    if (const auto event = step()) return *event;
    if (!wait(deadline)) return Event::timeout;
  }
}

/// The last one out of a ring whose writer ended in order takes it away. We leave first and look at the state then, and
/// the writer sets the state first and looks for readers then: one of us sees that the other is gone.
void Reader::State::leave() noexcept {
  if (!view || !view->object().is_ours()) return;
  unit = layout::Unit();
  const std::lock_guard lock(control_mutex);
  if (!control) return;
  control->leave();
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (view->header().state.load(std::memory_order_acquire) != layout::kClosed) return;
  const std::string ring = kernel::object_path(options.name), ctl = kernel::control_path(options.name);
  if (view->object().owner() != ::geteuid() || !control->alone()) return;
  if (!view->object().is_at(ring) || !control->object().is_at(ctl)) return;
  ::unlink(ring.c_str());
  ::unlink(ctl.c_str());
}

Reader::Reader(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

Event Reader::next(int timeout_ms) {
  return state_->next(timeout_ms);
}

const layout::Format& Reader::format() const noexcept {
  return state_->format;
}

layout::Unit& Reader::unit() noexcept {
  return state_->unit;
}

void Reader::interrupt() noexcept {
  state_->interrupts.fetch_add(1, std::memory_order_release);
  kernel::wake_all(state_->interrupts);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(state_->wake.get(), &one, sizeof one);
}

void Reader::set_want(bool want) noexcept {
  const std::lock_guard lock(state_->control_mutex);
  state_->want = want;
  if (state_->control) state_->control->set_want(want);
}

void Reader::request_keyframe() noexcept {
  const std::lock_guard lock(state_->control_mutex);
  if (state_->control) state_->control->request_keyframe();
}

const SourceStatus& Reader::source() const noexcept {
  return state_->source;
}

std::uint32_t Reader::rests() const noexcept {
  return state_->rests;
}

Link Reader::link() {
  if (!state_->view) return Link::no_ring;
  return state_->writer_lives ? Link::live : Link::no_writer;
}

const Reader::Stats& Reader::stats() const noexcept {
  return state_->stats;
}

const std::string& Reader::name() const noexcept {
  return state_->options.name;
}

}  // namespace campipe::ring::read
