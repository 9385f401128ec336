#include "base/stable_sort.hpp"

#include <string>

#include <gmock/gmock.h>

namespace campipe {
namespace {

TEST(StableSort, KeepsTheOrderOfEqualKeys) {
  std::vector<std::string> words{"bb", "a", "cc", "", "b", "aa"};
  stable_sort_by(words, [](const std::string& word) { return word.size(); });
  EXPECT_THAT(words, testing::ElementsAre("", "a", "b", "bb", "cc", "aa"));
  std::vector<std::string> none;
  stable_sort_by(none, [](const std::string& word) { return word.size(); });
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace campipe
