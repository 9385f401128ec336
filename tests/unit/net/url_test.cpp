#include "net/url.hpp"

#include <gtest/gtest.h>

namespace campipe::net {
namespace {

TEST(Target, IsTakenApartAndDecoded) {
  const auto target = parse_target("/stream/a%20b?fps=5&x=%2f&flag&y=a+b");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/stream/a b");
  EXPECT_EQ(target->authority, "");
  EXPECT_EQ(target->get("fps"), "5");
  EXPECT_EQ(target->get("x"), "/");
  EXPECT_EQ(target->get("y"), "a b");
  EXPECT_TRUE(target->query.contains("flag"));
  EXPECT_EQ(target->get("none"), "");
}

struct Spelling {
  const char* text;
  const char* path;
  const char* authority = "";
};

TEST(Target, EachPathHasOneForm) {
  for (const Spelling& one : {
           Spelling{"/", "/"},
           {"//", "/"},
           {"//?action=stream", "/"},
           {"//snapshot/cam", "/snapshot/cam"},
           {"///stream//cam///hd", "/stream/cam/hd"},
           {"/stream/cam/", "/stream/cam"},
           {"/stream/cam//", "/stream/cam"},
           {"/c%61m", "/cam"},
           {"/%63%61%6d", "/cam"},
           {"/%63%61%6D", "/cam"},
           {"/%2561", "/%61"},  // once
           {"/a+b", "/a+b"},
           {"/...", "/..."},
           {"/.hidden", "/.hidden"},
           {"/caf%C3%A9", "/caf\xC3\xA9"},
           {"/caf\xC3\xA9", "/caf\xC3\xA9"},
           {"/cam#there", "/cam"},
           {"http://h:80/x/y?z=1", "/x/y", "h:80"},
           {"http://h?z=1", "/", "h"},
           {"http://h//x//y/", "/x/y", "h"},
           {"rtsp://[::1]:8554", "/", "[::1]:8554"},
           {"rtsp://user:p%40w@h/cam", "/cam", "user:p%40w@h"},
           {"RTSP://H/cam", "/cam", "H"},
           {"http:///x", "/x"},
           {"//evil.example/cam", "/evil.example/cam"},  // no authority: it begins with a slash
       }) {
    const auto target = parse_target(one.text);
    ASSERT_TRUE(target) << one.text << ": " << target.error();
    EXPECT_EQ(target->path, one.path) << one.text;
    EXPECT_EQ(target->authority, one.authority) << one.text;
    const auto again = normal_path(one.path);  // what is normal stays as it is, but for a '%'
    if (target->path.find('%') == std::string::npos) {
      EXPECT_EQ(*again, one.path);
    }
  }
}

TEST(Target, AQueryEndsAtASecondQuestionMark) {
  const auto target = parse_target("/?action=stream?dummy=param.mjpg&fps=5");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->get("action"), "stream");
  EXPECT_EQ(target->query.size(), 1U);
  EXPECT_EQ(parse_target("/?u=http://h/")->get("u"), "http://h/");
  EXPECT_EQ(parse_target("/?action=stream%3Fx")->get("action"), "stream?x");
  EXPECT_EQ(parse_target("/?a=b?%zz")->get("a"), "b") << "what is ignored is not decoded";
  EXPECT_TRUE(parse_target("/?")->query.empty());
  EXPECT_TRUE(parse_target("/??a=b")->query.empty());
}

TEST(Target, RefusesWhatOthersMightReadInAnotherWay) {
  for (const std::string_view text : {"",
                                      "x",
                                      "*",
                                      "?a=b",
                                      "#",
                                      "/%",
                                      "/%4",
                                      "/%zz",
                                      "/%4g",
                                      "/a%",
                                      "/?a=%1",
                                      "/?%=1",  // broken
                                      "/%00",
                                      "/a%0d%0ab",
                                      "/a%7f",
                                      "/?a=%00",
                                      "/?%0a=b",  // control characters
                                      "/a%2Fb",
                                      "/a%2fb",
                                      "/%2F",
                                      "/a\\b",
                                      "/a%5Cb",
                                      "/a%5cb",  // encoded separators
                                      "/.",
                                      "/..",
                                      "/a/./b",
                                      "/a/../b",
                                      "/../etc/passwd",
                                      "/%2e",
                                      "/%2E%2e/x",
                                      "/a/.%2e",  // dot segments
                                      "/./",
                                      "http://h/..",
                                      "/%2e%2e%2fetc",  //
                                      "/%ff",
                                      "/%c3",
                                      "/%c3%28",
                                      "/\xFF",
                                      "/?a=%ff",  // no UTF-8
                                      "/%c0%af",
                                      "/%c0%ae%c0%ae",
                                      "/%e0%80%af",
                                      "/%f0%80%80%af",
                                      "/%ed%a0%80",
                                      "/%f4%90%80%80"}) {  // overlong, outside
    const auto target = parse_target(text);
    ASSERT_FALSE(target) << text << " is " << target->path;
    EXPECT_FALSE(target.error().empty()) << text;
  }
}

}  // namespace
}  // namespace campipe::net
