#include <stdexcept>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "transport.hpp"

namespace campipe::bench {

namespace {

struct Unref {
  void operator()(gpointer object) const noexcept { gst_object_unref(object); }
};
using Element = std::unique_ptr<GstElement, Unref>;

/// A pipeline that plays, and the element named "app" in it.
class Pipeline {
public:
  explicit Pipeline(const std::string& text) {
    gst_init(nullptr, nullptr);
    GError* error = nullptr;
    pipeline_.reset(gst_parse_launch(text.c_str(), &error));
    if (error != nullptr) throw std::runtime_error(std::string("gstreamer: ") + error->message);
    app_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "app"));
    if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
      throw std::runtime_error("gstreamer: does not play: " + text);
    }
  }
  ~Pipeline() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  GstElement* app() const noexcept { return app_.get(); }

private:
  Element pipeline_, app_;
};

std::string caps(const Picture& picture) {
  return "video/x-raw,format=I420,width=" + std::to_string(picture.width_px) +
         ",height=" + std::to_string(picture.height_px) + ",framerate=60/1";
}

/// Buffers are passed to shmsink without a copy; it copies them into its shared memory, as it does with a camera's.
class GstSender final : public Sender {
public:
  GstSender(const std::string& path, const Transport::Options& options)
      : pipeline_("appsrc name=app format=time is-live=true caps=" + caps(options.picture) +
                  " ! shmsink sync=false wait-for-connection=false socket-path=" + path +
                  " shm-size=" + std::to_string((options.slots + 1) * options.picture.bytes())),
        sources_(options.picture.bytes()) {}

  void send(Stamp stamp) override {
    const auto picture = sources_.next();
    stamp.sent_ns = monotonic_ns();
    put(stamp, picture);
    GstBuffer* const buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, picture.data(), picture.size(), 0,
                                                          picture.size(), nullptr, nullptr);
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(stamp.number) * GST_SECOND / 60;
    if (gst_app_src_push_buffer(GST_APP_SRC(pipeline_.app()), buffer) != GST_FLOW_OK) ++dropped_;
  }
  Counts counts() const override { return {.dropped = dropped_}; }

private:
  Pipeline pipeline_;
  SourcePictures sources_;
  std::uint64_t dropped_ = 0;
};

class GstReceiver final : public Receiver {
public:
  GstReceiver(const std::string& path, const Picture& picture)
      : pipeline_("shmsrc is-live=true socket-path=" + path + " ! " + caps(picture) +
                  " ! appsink name=app sync=false") {}
  ~GstReceiver() override { release(); }

  std::optional<std::span<const std::byte>> receive() override {
    release();
    sample_ = gst_app_sink_try_pull_sample(GST_APP_SINK(pipeline_.app()), GstClockTime{kPatienceMs} * GST_MSECOND);
    if (sample_ == nullptr) return std::nullopt;
    if (!gst_buffer_map(gst_sample_get_buffer(sample_), &map_, GST_MAP_READ)) return std::nullopt;
    return std::span(reinterpret_cast<const std::byte*>(map_.data), map_.size);
  }

private:
  void release() noexcept {
    if (sample_ == nullptr) return;
    gst_buffer_unmap(gst_sample_get_buffer(sample_), &map_);
    gst_sample_unref(sample_);
    sample_ = nullptr;
  }

  Pipeline pipeline_;
  GstSample* sample_ = nullptr;
  GstMapInfo map_{};
};

class GstTransport final : public Transport {
public:
  explicit GstTransport(const Options& options)
      : options_(options), path_("/tmp/campipe-bench-gst-" + std::to_string(::getpid())) {}

  std::unique_ptr<Sender> sender() override {
    auto made = std::make_unique<GstSender>(path_, options_);
    while (::access(path_.c_str(), F_OK) != 0) ::usleep(1000);
    return made;
  }
  std::unique_ptr<Receiver> receiver(unsigned /*index*/) override {
    return std::make_unique<GstReceiver>(path_, options_.picture);
  }

private:
  Options options_;
  std::string path_;
};

}  // namespace

std::unique_ptr<Transport> make_gstreamer(const Transport::Options& options) {
  return std::make_unique<GstTransport>(options);
}

}  // namespace campipe::bench
