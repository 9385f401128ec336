#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ring/write/writer.hpp"
#include "wire/stream/writer.hpp"

namespace campipe::wire::shm {

/// Packets into a ring. Never waits: each reader looks after itself.
///
/// A ring that a writer left is taken over: its readers go on, and see a discontinuity. H.264 and H.265 begin with a
/// keyframe.
class Writer final : public stream::Writer {
public:
  /// Throws as ring::write::Writer does.
  explicit Writer(ring::write::Writer::Options options);

  void set_format(const media::StreamFormat& format) override;
  void write(const media::Packet& packet) override;
  void set_source(const SourceStatus& status) override { ring_.set_source(status); }
  bool never_blocks() const override { return true; }
  std::shared_ptr<media::Buffer> room(std::size_t bytes) override;
  std::optional<stream::Inherited> inherited() const override { return inherited_; }
  std::uint64_t dropped() const override { return dropped_; }
  std::uint64_t packets() const override { return packets_; }
  std::uint64_t bytes() const override { return bytes_; }

  ring::write::Writer* ring() noexcept override { return &ring_; }

private:
  std::string name_;
  ring::write::Writer ring_;
  std::optional<stream::Inherited> inherited_;
  media::StreamFormat format_;
  bool has_format_ = false;
  bool wait_key_ = true;
  bool mark_next_;  // the next video packet follows what another writer wrote, or a drop
  bool said_no_audio_ = false;
  std::uint64_t packets_ = 0, bytes_ = 0, dropped_ = 0;
};

}  // namespace campipe::wire::shm
