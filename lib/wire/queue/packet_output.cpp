#include "wire/queue/packet_output.hpp"

#include <exception>
#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "wire/queue/live_output.hpp"

namespace campipe::wire::queue {

namespace {

/// Before a writer that never blocks.
class DirectOutput final : public PacketOutput {
public:
  DirectOutput(std::unique_ptr<stream::Writer> writer, std::string name)
      : writer_(std::move(writer)), name_(std::move(name)) {}

  void set_format(const media::StreamFormat& format) override {
    attempt([&] { writer_->set_format(format); });
  }
  void offer(const media::Packet& packet) override {
    attempt([&] { writer_->write(packet); });
  }
  void set_source(const SourceStatus& status) override {
    attempt([&] { writer_->set_source(status); });
  }
  std::shared_ptr<media::Buffer> room(std::size_t bytes) override {
    std::shared_ptr<media::Buffer> buffer;
    attempt([&] { buffer = writer_->room(bytes); });
    return buffer;
  }

  bool finish(int) override {
    const bool all = !closed_;
    closed_ = true;
    if (const auto failure = std::exchange(failure_, nullptr)) std::rethrow_exception(failure);
    return all;
  }

  Stats stats() const override {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  const std::string& name() const noexcept override { return name_; }

private:
  template <class Act>
  void attempt(Act&& act) {
    if (closed_) return;
    try {
      act();
    } catch (...) {
      failure_ = std::current_exception();
      closed_ = true;
    }
    const std::lock_guard lock(mutex_);
    counts_ = {
        .packets = writer_->packets(), .bytes = writer_->bytes(), .dropped = writer_->dropped(), .closed = closed_};
  }

  const std::unique_ptr<stream::Writer> writer_;
  const std::string name_;
  bool closed_ = false;
  std::exception_ptr failure_;
  mutable std::mutex mutex_;  // over the counts
  Stats counts_;
};

}  // namespace

std::unique_ptr<PacketOutput> make_output(std::unique_ptr<stream::Writer> writer, std::string name, bool live) {
  if (writer->never_blocks()) return std::make_unique<DirectOutput>(std::move(writer), std::move(name));
  return std::make_unique<LiveOutput>(std::move(writer), std::move(name), live);
}

}  // namespace campipe::wire::queue
