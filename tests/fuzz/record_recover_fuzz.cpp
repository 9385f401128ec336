// A hostile file in live/: repaired in place, it is a file that our own reader takes, or it is refused. And hostile
// names and index lines.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "mp4/hybrid.hpp"
#include "record/library/recovery.hpp"
#include "record/segment/index.hpp"
#include "record/segment/layout.hpp"

using namespace campipe;
using namespace campipe::record;

namespace {

struct Scratch {
  Scratch() {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    folder = segment::Folder(Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), path);
  }
  ~Scratch() { ::rmdir(path.c_str()); }

  std::string path = "/dev/shm/camrec-fuzz-XXXXXX";
  segment::Folder folder;
};

const segment::Folder& scratch() {
  static const Scratch scratch;
  return scratch.folder;
}

/// The input behind the bytes that every file of ours begins with, or alone when its first bit says so.
void repair(std::span<const std::byte> input) {
  segment::File file(scratch(), "fuzz.part");
  if (file.create() != 0) std::abort();
  std::uint64_t at = 0;
  if (!input.empty() && (input[0] & std::byte{1}) == std::byte{0}) {
    file.write_at(0, mp4::make_ftyp());
    at = mp4::make_ftyp().size() + mp4::kReserveBytes;
  }
  if (!input.empty()) file.write_at(at, input.subspan(1));
  segment::SegmentRecord record;
  const library::Repair result = library::repair_mp4(file, record);
  if (result == library::Repair::failed) std::abort();
  if (result == library::Repair::done) {
    const auto read = [&](std::uint64_t offset, std::span<std::byte> into) { return file.read_at(offset, into); };
    const auto summary = mp4::summarise(read, file.size());
    if (!summary || record.bytes != file.size()) std::abort();
  }
  scratch().remove("fuzz.part");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (segment::good_length(text) > size) std::abort();
  if (const auto name = segment::parse_segment_name(text); name && to_string(*name) != text) std::abort();
  repair(input);
  return 0;
}
