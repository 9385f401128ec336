#pragma once
#include <memory>
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
  DiskStore(library::CameraFolder& camera, library::Housekeeper& housekeeper, library::Flusher& flusher,
            std::optional<segment::Container> container);

  std::unique_ptr<segment::Writer> open(const media::StreamFormat& format, std::int64_t start_us) override;
  void opened(const segment::Writer& segment) override;
  void close(std::unique_ptr<segment::Writer> segment) override;
  void gap(const segment::GapRecord& gap) override;
  void want_space(std::int64_t bytes) override;
  bool look() override;
  bool in_place(const segment::Writer& segment) override;

private:
  library::CameraFolder& camera_;
  library::Housekeeper& housekeeper_;
  library::Flusher& flusher_;
  std::optional<segment::Container> container_;
  std::string run_;
  std::uint32_t sequence_ = 0;
};

}  // namespace campipe::record
