#include "record/disk_store.hpp"

#include "base/clock.hpp"
#include "base/random.hpp"

namespace campipe::record {

namespace {

/// The names have four digits for the year; a stream whose times are beyond that is named by our own clock.
std::int64_t name_ms(std::int64_t start_us) {
  constexpr std::int64_t kYear10000Us = 253'402'300'800'000'000;
  return (start_us >= 0 && start_us < kYear10000Us ? start_us : realtime_us()) / 1000;
}

/// Each holds a table of its frames in memory.
constexpr std::size_t kMostUnpublished = 4;

}  // namespace

DiskStore::DiskStore(library::CameraFolder& camera, library::Housekeeper& housekeeper, library::Flusher& flusher,
                     std::optional<segment::Container> container)
    : camera_(camera), housekeeper_(housekeeper), flusher_(flusher), container_(container), run_(random_hex(2)) {}

std::unique_ptr<segment::Writer> DiskStore::open(const media::StreamFormat& format, std::int64_t start_us) {
  constexpr std::uint32_t kMostSequence = 999'999;  // six digits in the name
  const segment::Container container = segment::choose_container(format, container_);
  if (!housekeeper_.wait_for_backlog_below(kMostUnpublished, std::chrono::seconds(1))) return nullptr;
  if (++sequence_ > kMostSequence) {
    sequence_ = 1;
    run_ = random_hex(2);
  }
  const segment::SegmentName name{
      .start_ms = name_ms(start_us), .run = run_, .sequence = sequence_, .container = container};
  auto file = std::make_shared<segment::File>(camera_.live(), to_string(name) + std::string(segment::kPartSuffix));
  return segment::make_segment_writer(name, std::move(file), format, start_us);
}

void DiskStore::opened(const segment::Writer& segment) {
  flusher_.watch(segment.file());
  housekeeper_.note_opened(segment.record().name);
}

void DiskStore::close(std::unique_ptr<segment::Writer> segment) {
  housekeeper_.publish(std::move(segment));
}
void DiskStore::gap(const segment::GapRecord& gap) {
  housekeeper_.note_gap(gap);
}
bool DiskStore::look() {
  const bool another = camera_.refresh();
  if (another) housekeeper_.read_again();
  return another;
}

bool DiskStore::in_place(const segment::Writer& segment) {
  return segment.file()->in_place();
}

void DiskStore::want_space(std::int64_t bytes) {
  housekeeper_.want_space(bytes);
}

}  // namespace campipe::record
