#include "base/missing_folder.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace campipe {
namespace {

TEST(MissingFolder, IsTheUppermostThatIsNotThere) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "missing-folder-test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "file") << "x";
  const std::string there = folder.string();
  EXPECT_EQ(missing_folder(there + "/file"), "");
  EXPECT_EQ(missing_folder(there + "/no-file"), "");
  EXPECT_EQ(missing_folder(there + "/a/b/c"), ": the folder " + there + "/a is missing");
  EXPECT_EQ(missing_folder("no-such-folder/x"), ": the folder no-such-folder is missing");
  for (const char* path : {"", "/", "x", "./x", "../x", "/x"}) EXPECT_EQ(missing_folder(path), "") << path;
  EXPECT_EQ(missing_folder(std::string(100'000, 'a') + "/x"), "");  // the file system says what is wrong
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace campipe
