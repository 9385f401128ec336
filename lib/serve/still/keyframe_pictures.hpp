#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "net/loop.hpp"
#include "serve/hub/stream.hpp"
#include "serve/still/child_filter.hpp"

namespace campipe::serve::still {

/// JPEG pictures of the newest keyframes of H.264 and H.265 streams. No decoder is linked here: camenc makes them, one
/// process for one picture, at most two at once and one per stream; each keyframe is asked for once. For the loop's
/// thread.
class KeyframePictures {
public:
  struct Picture {
    hub::UnitPtr keyframe;
    std::shared_ptr<const ChildFilter::Bytes> jpeg;
  };
  using Result = Expected<Picture, std::string>;  ///< or the reason in words
  using OnPicture = std::function<void(const Result&)>;

  /// @param camenc  Path or name of the program.
  KeyframePictures(net::Loop& loop, std::string camenc) : loop_(loop), camenc_(std::move(camenc)) {}

  /// The picture of the stream's newest keyframe (one older when that is being made right now, but none before the unit
  /// of index `from`). Answers at once when it is known; a stream without a keyframe has none.
  void get(const hub::Stream& stream, std::uint64_t from, OnPicture on_picture);

private:
  struct Waiting {
    std::uint64_t from;
    OnPicture on_picture;
  };
  struct Entry {
    std::weak_ptr<const hub::Stream> stream;
    std::shared_ptr<const hub::Stream> held;  // while wanted
    hub::UnitPtr keyframe;                    // of `result`, or of the one being made
    std::unique_ptr<Result> result;
    bool wanted = false;  // queued or running
    std::unique_ptr<ChildFilter> child;
    std::vector<Waiting> waiting;
  };

  void want(const hub::Stream& stream, Entry& entry);
  void start_some();
  void start(const hub::Stream& stream, Entry& entry);
  void done(Entry& entry, Expected<ChildFilter::Bytes, std::string> jpeg);

  net::Loop& loop_;
  std::string camenc_;
  std::map<const hub::Stream*, Entry> entries_;
  std::deque<const hub::Stream*> queue_;
  int running_ = 0;
};

/// camenc beside our own program, else by that name in $PATH.
std::string find_camenc();

}  // namespace campipe::serve::still
