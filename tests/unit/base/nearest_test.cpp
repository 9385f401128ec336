#include "base/nearest.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace campipe {
namespace {

const std::vector<std::string> kWords{"size",   "rate", "run",     "check",
                                      "status", "stop", "pattern", "quickstart-8080.camera"};

TEST(Nearest, FindsAWordWithLettersWrongMissingTooManyOrSwapped) {
  struct Case {
    const char* text;
    const char* word;
  };
  for (const Case& c :
       {Case{"siez", "size"}, Case{"sise", "size"}, Case{"ratee", "rate"}, Case{"chekc", "check"},
        Case{"STATUS", "status"}, Case{"statsu", "status"}, Case{"patern", "pattern"}, Case{"patttern", "pattern"},
        Case{"quikstart-8080.camra", "quickstart-8080.camera"}, Case{"size", "size"}, Case{"rum", "run"}}) {
    EXPECT_EQ(nearest(c.text, kWords), c.word) << c.text;
  }
}

TEST(Nearest, FindsNothingWhereNothingIsClose) {
  for (const std::string text : {"", "x", "ru", "s", "reload", "banana", "sizes-and-rates", "\xff\xfe\x01"}) {
    EXPECT_EQ(nearest(text, kWords), "") << text;
  }
  EXPECT_EQ(nearest("size", {}), "");
}

TEST(Nearest, IsBoundedForLongTextsAndWords) {
  const std::vector<std::string> words{std::string(100'000, 'a'), std::string(64, 'a'), std::string()};
  EXPECT_EQ(nearest(std::string(100'000, 'a'), words), "");
  EXPECT_EQ(nearest(std::string(65, 'a'), words), "");
  EXPECT_EQ(nearest(std::string(64, 'a'), words), words[1]);
  EXPECT_EQ(nearest(std::string(61, 'a'), words), words[1]);
  EXPECT_EQ(nearest(std::string(60, 'a'), words), "");
}

TEST(Nearest, TakesTheFirstOfEquallyCloseWords) {
  const std::vector<std::string> words{"front", "frost"};
  EXPECT_EQ(nearest("fro_t", words), "front");
}

TEST(Nearest, MakesWordsForMessages) {
  EXPECT_EQ(did_you_mean("siez", kWords, "--"), ": did you mean --size?");
  EXPECT_EQ(did_you_mean("banana", kWords), "");
  const std::vector<std::string> three{"a", "b", "c"};
  EXPECT_EQ(listed(three), "a, b and c");
  EXPECT_EQ(listed(std::span(three).first(1)), "a");
  EXPECT_EQ(listed({}), "");
}

}  // namespace
}  // namespace campipe
