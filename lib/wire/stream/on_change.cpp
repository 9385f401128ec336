#include "wire/stream/on_change.hpp"

#include "base/error.hpp"

namespace campipe::wire::stream {

void obey_on_change(OnChange on_change, const media::StreamFormat& before, const media::StreamFormat& now,
                    const std::string& input) {
  if (on_change != OnChange::exit || (now.video.same_stream(before.video) && now.audio == before.audio)) return;
  throw Error(ExitCode::bad_data, input + ": the stream changed from " + media::describe(before) + " to " +
                                      media::describe(now) + ": --on-change follow goes on");
}

}  // namespace campipe::wire::stream
