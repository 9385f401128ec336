#include "base/redact.hpp"

#include <gtest/gtest.h>

namespace campipe {
namespace {

TEST(RedactUrl, HidesPasswords) {
  struct Case {
    const char* in;
    const char* out;
  };
  for (const Case& c : {
           Case{"rtsp://user:geheim@host:554/a", "rtsp://user:***@host:554/a"},
           Case{"rtsp://user:p@ss@host/a", "rtsp://user:***@host/a"},
           Case{"rtsp://user:sla/sh@host/a", "rtsp://user:***@host/a"},
           Case{"rtsp://user@host/a", "rtsp://user@host/a"},
           Case{"rtsp://host:554/a?x=1", "rtsp://host:554/a?x=1"},
           Case{"http://h/cgi?user=a&password=b&c=d", "http://h/cgi?user=a&password=***&c=d"},
           Case{"http://h/cgi?Token=b", "http://h/cgi?Token=***"},
           Case{"cannot open rtsp://a:b@c/d: refused", "cannot open rtsp://a:***@c/d: refused"},
           Case{"front.mjpg", "front.mjpg"},
           Case{"", ""},
       }) {
    EXPECT_EQ(redact_url(c.in), c.out) << c.in;
  }
}

}  // namespace
}  // namespace campipe
