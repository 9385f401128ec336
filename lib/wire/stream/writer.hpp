#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/source_status.hpp"
#include "media/packet.hpp"

namespace campipe::ring::write {
class Writer;
}

namespace campipe::wire::stream {

/// --output-format. `jpeg`: one picture, then the output is complete; `mjpeg`: concatenated JPEG; `h264`/`h265`: Annex
/// B; `y4m`: planar 8-bit YUV with header; `rawvideo`: tight pictures and nothing else.
enum class OutputFormat { nut, jpeg, mjpeg, h264, h265, y4m, rawvideo };

/// Of the writer before.
struct Inherited {
  StreamClock clock;
  std::optional<std::int64_t> newest_pts_us;  ///< of the video that is there
};

/// Writes packets to a blocking descriptor, in one thread; a full pipe blocks (back-pressure).
class Writer {
public:
  virtual ~Writer() = default;

  /// Before the first packet and whenever the format changes. Throws Error(usage) when the format cannot go into this
  /// output ("camenc: output format y4m needs raw planar YUV, the stream is h264: use -c raw").
  virtual void set_format(const media::StreamFormat& format) = 0;

  /// Throws OutputClosed when the reader is gone, Error(cannot_create) when the disk is full, Error(io_error).
  virtual void write(const media::Packet& packet) = 0;

  /// Tells readers what the source does, where the output can: a ring, and NUT once it has begun. At each change, and
  /// again each second while nothing flows. Throws as write() does.
  virtual void set_source(const SourceStatus&) {}

  /// No more packets are wanted (a `jpeg` output has its picture).
  virtual bool complete() const { return false; }

  /// Whether write() never waits for a reader: such an output needs no thread and no queue.
  virtual bool never_blocks() const { return false; }

  /// Room for the payload of a packet to be written next, so that write() need not copy it; nothing when there is none.
  /// After set_format(), in the writing thread.
  virtual std::shared_ptr<media::Buffer> room(std::size_t) { return nullptr; }

  /// The ring it goes to, whose readers can be asked what they wish (Demand); nullptr: it is none.
  virtual ring::write::Writer* ring() noexcept { return nullptr; }

  /// What is known of the stream that another writer left in this output, and that ours goes on with; when there is
  /// one on a clock of this boot.
  virtual std::optional<Inherited> inherited() const { return std::nullopt; }

  /// Video packets that write() had to leave out.
  virtual std::uint64_t dropped() const { return 0; }

  /// From another thread while write() is stuck and given up: `blocking` is not called any more.
  virtual void abandon() noexcept {}

  virtual std::uint64_t packets() const = 0;
  virtual std::uint64_t bytes() const = 0;
};

}  // namespace campipe::wire::stream
