#include "serve/still/keyframe_pictures.hpp"

#include <climits>
#include <utility>

#include <unistd.h>

#include "base/faults.hpp"

namespace campipe::serve::still {

namespace {

constexpr int kMaxRunning = 2;

}  // namespace

void KeyframePictures::get(const hub::Stream& stream, std::uint64_t from, OnPicture on_picture) {
  const hub::UnitPtr newest = stream.history().last_keyframe();
  if (!newest || newest->index < from) return on_picture(Unexpected(stream.path() + ": no keyframe yet"));
  std::erase_if(entries_, [](const auto& one) { return !one.second.wanted && one.second.stream.expired(); });
  Entry& entry = entries_[&stream];
  entry.stream = stream.weak_from_this();
  if (!entry.wanted && entry.result && entry.keyframe == newest) return on_picture(*entry.result);
  entry.waiting.push_back({from, std::move(on_picture)});
  if (entry.wanted) return;
  entry.keyframe = newest;
  want(stream, entry);
}

void KeyframePictures::want(const hub::Stream& stream, Entry& entry) {
  entry.wanted = true;
  entry.held = stream.shared_from_this();
  queue_.push_back(&stream);
  start_some();
}

void KeyframePictures::start_some() {
  while (running_ < kMaxRunning && !queue_.empty()) {
    const hub::Stream* stream = queue_.front();
    queue_.pop_front();
    ++running_;
    Entry& entry = entries_[stream];
    if (!faults::contain("snapshot", [&] { start(*stream, entry); }))
      done(entry, Unexpected(std::string("cannot start ") + camenc_));
  }
}

void KeyframePictures::start(const hub::Stream& stream, Entry& entry) {
  if (const hub::UnitPtr newest = stream.history().last_keyframe()) entry.keyframe = newest;  // may have come since
  const std::string codec(media::name(stream.format()->video.codec));
  std::vector<std::string> argv{camenc_, "--quiet",        "-c",  "mjpeg", "--output-format",
                                "jpeg",  "--input-format", codec, "-i",    "-"};
  entry.child = std::make_unique<ChildFilter>(
      loop_, std::move(argv), entry.keyframe->packet.payload,
      [this, &entry](Expected<ChildFilter::Bytes, std::string> jpeg) { done(entry, std::move(jpeg)); },
      ChildFilter::Limits{});
}

void KeyframePictures::done(Entry& entry, Expected<ChildFilter::Bytes, std::string> jpeg) {
  if (jpeg) {
    entry.result =
        std::make_unique<Result>(Picture{entry.keyframe, std::make_shared<const ChildFilter::Bytes>(std::move(*jpeg))});
  } else {
    entry.result = std::make_unique<Result>(Unexpected(std::move(jpeg.error())));
  }
  entry.wanted = false;
  const auto child = std::move(entry.child);  // our caller, until we return
  const auto held = std::move(entry.held);
  --running_;
  // Who wants a newer one waits on for the next run.
  const bool good = entry.result->has_value();
  std::vector<Waiting> waiting;
  for (Waiting& one : std::exchange(entry.waiting, {}))
    (good && one.from > entry.keyframe->index ? entry.waiting : waiting).push_back(std::move(one));
  const Result result = *entry.result;
  if (!entry.waiting.empty()) want(*held, entry);
  for (const Waiting& one : waiting) faults::contain("snapshot", [&] { one.on_picture(result); });
  start_some();
}

std::string find_camenc() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0 || length == sizeof path) return "camenc";
  std::string beside(path, static_cast<std::size_t>(length));
  beside.resize(beside.rfind('/') + 1);
  beside += "camenc";
  return ::access(beside.c_str(), X_OK) == 0 ? beside : "camenc";
}

}  // namespace campipe::serve::still
