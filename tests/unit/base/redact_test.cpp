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

TEST(RedactRequest, HidesSecretsOfTargetsInAnySpelling) {
  struct Case {
    const char* in;
    const char* out;
  };
  for (const Case& c : {
           Case{"GET /stream/cam?token=abc HTTP/1.1", "GET /stream/cam?token=*** HTTP/1.1"},
           Case{"GET /?action=stream&Password=a&x=1 HTTP/1.0", "GET /?action=stream&Password=***&x=1 HTTP/1.0"},
           Case{"/a?t%6Fken=abc", "/a?t%6Fken=***"},
           Case{"/?action=stream?token=abc", "/?action=stream?token=***"},
           Case{"/?a=1;auth=abc", "/?a=1;auth=***"},
           Case{"GET /?token=a b HTTP/1.1", "GET /?token=*** HTTP/1.1"},
           Case{"GET /?x=\"&token=abc HTTP/1.1", "GET /?x=\"&token=*** HTTP/1.1"},
           Case{"/?url=rtsp://user:pw@h/x", "/?url=rtsp://user:***@h/x"},
           Case{"PLAY rtsp://user:pw@h/cam?key=k RTSP/1.0", "PLAY rtsp://user:***@h/cam?key=*** RTSP/1.0"},
           Case{"PLAY rtsp://user:p\"w@h/cam RTSP/1.0", "PLAY rtsp://user:***@h/cam RTSP/1.0"},
           Case{"/a?token", "/a?token"},
           Case{"/a?%", "/a?%"},
           Case{"GET /stream/cam HTTP/1.1", "GET /stream/cam HTTP/1.1"},
           Case{"", ""},
       }) {
    EXPECT_EQ(redact_request(c.in), c.out) << c.in;
  }
}

}  // namespace
}  // namespace campipe
