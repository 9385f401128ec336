#include "serve/http/viewer_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/format.hpp"

namespace campipe::serve {
namespace {

TEST(ViewerPage, KnowsEachCodecByTheNameThatTheApiGivesIt) {
  const std::string page = http::viewer_html("nonce");
  const std::size_t at = page.find("const CODECS = {");
  ASSERT_NE(at, std::string::npos);
  const std::string codecs = page.substr(at, page.find('}', at) - at);
  using media::AudioCodec;
  for (const AudioCodec codec : {AudioCodec::aac, AudioCodec::opus, AudioCodec::pcm_alaw, AudioCodec::pcm_mulaw,
                                 AudioCodec::mp3, AudioCodec::pcm_s16le}) {
    EXPECT_THAT(codecs, testing::HasSubstr(std::string(name(codec)) + ": \""));
  }
  using media::VideoCodec;
  for (const VideoCodec codec : {VideoCodec::mjpeg, VideoCodec::h264, VideoCodec::h265})
    EXPECT_THAT(codecs, testing::HasSubstr(std::string(name(codec)) + ": \""));
}

}  // namespace
}  // namespace campipe::serve
