#include "record/library/camera_folder.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "record/temp_folder.hpp"

namespace campipe::record {
namespace {

ExitCode code_of(const std::string& root, const std::string& name = "front") {
  try {
    const library::CameraFolder camera(root, name);
  } catch (const Error& error) {
    return error.code();
  }
  return ExitCode::ok;
}

TEST(CameraFolder, MissingRootIsMadeWhenItsParentIsThere) {
  const TempFolder temp;
  EXPECT_EQ(code_of((temp.path() / "rec").string()), ExitCode::ok);
  EXPECT_TRUE(temp.has("rec/front/live"));
  EXPECT_EQ(temp.read("rec/.camrec-root").substr(0, 14), "camrec-root 1 ");
  EXPECT_EQ(code_of((temp.path() / "not/there").string()), ExitCode::cannot_create);
}

TEST(CameraFolder, RootThatIsNotEmptyNeedsTheMarker) {
  const TempFolder temp;
  temp.write("holiday.jpg", "x");
  EXPECT_EQ(code_of(temp.path().string()), ExitCode::cannot_create);
  EXPECT_FALSE(temp.has("front"));
  temp.write(".camrec-root", "");  // as touch(1) does
  EXPECT_EQ(code_of(temp.path().string()), ExitCode::ok);
  EXPECT_EQ(temp.read(".camrec-root").substr(0, 14), "camrec-root 1 ");
}

TEST(CameraFolder, LostAndFoundIsEmpty) {
  const TempFolder temp;
  std::filesystem::create_directory(temp.path() / "lost+found");
  EXPECT_EQ(code_of(temp.path().string()), ExitCode::ok);
}

TEST(CameraFolder, MarkerStaysTheSame) {
  const TempFolder temp;
  EXPECT_EQ(code_of(temp.path().string()), ExitCode::ok);
  const std::string marker = temp.read(".camrec-root");
  EXPECT_EQ(code_of(temp.path().string()), ExitCode::ok);
  EXPECT_EQ(temp.read(".camrec-root"), marker);
}

TEST(CameraFolder, OtherVersionsAreRefused) {
  const TempFolder temp;
  temp.write(".camrec-root", "camrec-root 2 x\n");
  EXPECT_EQ(code_of(temp.path().string()), ExitCode::config);
}

TEST(CameraFolder, OneWriterPerCamera) {
  const TempFolder temp;
  const library::CameraFolder first(temp.path().string(), "front");
  EXPECT_EQ(code_of(temp.path().string(), "front"), ExitCode::try_again);
  EXPECT_EQ(code_of(temp.path().string(), "yard"), ExitCode::ok);
}

TEST(CameraFolder, FileInTheWay) {
  const TempFolder temp;
  temp.write("rec", "a file");
  EXPECT_EQ(code_of((temp.path() / "rec").string()), ExitCode::cannot_create);
}

}  // namespace
}  // namespace campipe::record
