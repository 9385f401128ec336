#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "record/library/camera_folder.hpp"
#include "record/library/flusher.hpp"
#include "record/library/housekeeper.hpp"
#include "record/recorder.hpp"

namespace campipe::record {

/// The recorder's store on a disk.
class DiskStore : public Store {
public:
  /// @param container  Empty: chosen by the codecs.
  DiskStore(const CameraFolder& camera, Housekeeper& housekeeper, Flusher& flusher, std::optional<Container> container);

  std::unique_ptr<SegmentWriter> open(const media::StreamFormat& format, std::int64_t start_us) override;
  void opened(const SegmentWriter& segment) override;
  void close(std::unique_ptr<SegmentWriter> segment) override;
  void gap(const GapRecord& gap) override;
  void want_space(std::int64_t bytes) override;

private:
  const CameraFolder& camera_;
  Housekeeper& housekeeper_;
  Flusher& flusher_;
  std::optional<Container> container_;
  std::string run_;
  std::uint32_t sequence_ = 0;
};

}  // namespace campipe::record
