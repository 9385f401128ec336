#include "record/library/camera_folder.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/stderr_to.hpp"
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

TEST(CameraFolder, TakesFoldersThatWereDeletedAnewAndTellsItOnce) {
  namespace fs = std::filesystem;
  for (const char* what : {"front", "front/live", "front/index", "front/quarantine"}) {
    const TempFolder temp;
    WritesToStderr sink;
    log::init({.tool = "t", .level = log::Level::warning});
    library::CameraFolder camera(temp.path().string(), "front");
    EXPECT_FALSE(camera.refresh()) << what;
    fs::remove_all(temp.path() / what);
    EXPECT_TRUE(camera.refresh()) << what;
    EXPECT_FALSE(camera.refresh()) << what;
    EXPECT_FALSE(sink.take().empty()) << what;
    int error = 0;
    EXPECT_TRUE(camera.live().open("made", true, error)) << what;
    EXPECT_TRUE(temp.has("front/live/made")) << what;
    EXPECT_TRUE(temp.has("front/index")) << what;
    EXPECT_TRUE(temp.has("front/quarantine")) << what;
    EXPECT_EQ(code_of(temp.path().string()), ExitCode::try_again) << what << ": locked as before";
    log::init({});
  }
}

TEST(CameraFolder, ARootThatIsReplacedIsTakenOnlyWithItsMarker) {
  namespace fs = std::filesystem;
  const TempFolder temp;
  const fs::path root = temp.path() / "rec";
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::warning});
  library::CameraFolder camera(root.string(), "front");
  fs::rename(root, temp.path() / "away");
  EXPECT_FALSE(camera.refresh());
  fs::create_directory(root);
  EXPECT_FALSE(camera.refresh());
  EXPECT_EQ(sink.take().size(), 1u) << "told once";
  EXPECT_TRUE(fs::is_empty(root));
  fs::copy(temp.path() / "away/.camrec-root", root);
  EXPECT_TRUE(camera.refresh());
  EXPECT_TRUE(temp.has("rec/front/live"));
  EXPECT_FALSE(camera.refresh());
  log::init({});
}

TEST(CameraFolder, ALinkOfOursIsFollowedAlsoWhenItIsChanged) {
  namespace fs = std::filesystem;
  const TempFolder temp;
  fs::create_directories(temp.path() / "disk1");
  fs::create_directories(temp.path() / "disk2");
  temp.write("rec/.camrec-root", "");
  const fs::path link = temp.path() / "rec/front";
  fs::create_directory_symlink(temp.path() / "disk1", link);
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::warning});
  library::CameraFolder camera((temp.path() / "rec").string(), "front");
  EXPECT_TRUE(temp.has("disk1/live"));
  EXPECT_FALSE(camera.refresh());
  fs::remove(link);
  fs::create_directory_symlink(temp.path() / "disk2", link);
  EXPECT_TRUE(camera.refresh());
  EXPECT_TRUE(temp.has("disk2/live"));
  log::init({});
}

TEST(CameraFolder, ALinkToNothingOrOfAStrangerIsRefused) {
  namespace fs = std::filesystem;
  const TempFolder temp;
  temp.write("rec/.camrec-root", "");
  const fs::path link = temp.path() / "rec/front";
  fs::create_directory_symlink(temp.path() / "unmounted", link);
  EXPECT_EQ(code_of((temp.path() / "rec").string()), ExitCode::cannot_create);
  EXPECT_FALSE(temp.has("unmounted"));
  fs::create_directories(temp.path() / "unmounted");
  EXPECT_EQ(code_of((temp.path() / "rec").string()), ExitCode::ok);
  if (::geteuid() == 0) {
    ASSERT_EQ(::lchown(link.c_str(), 12345, 12345), 0);
    EXPECT_EQ(code_of((temp.path() / "rec").string()), ExitCode::cannot_create);
  }
}

TEST(CameraFolder, LinksInsideAreNeverFollowed) {
  namespace fs = std::filesystem;
  const TempFolder temp;
  temp.write("rec/.camrec-root", "");
  fs::create_directories(temp.path() / "rec/front");
  fs::create_directories(temp.path() / "elsewhere");
  fs::create_directory_symlink(temp.path() / "elsewhere", temp.path() / "rec/front/live");
  EXPECT_EQ(code_of((temp.path() / "rec").string()), ExitCode::cannot_create);
}

TEST(CameraFolder, FileInTheWay) {
  const TempFolder temp;
  temp.write("rec", "a file");
  EXPECT_EQ(code_of((temp.path() / "rec").string()), ExitCode::cannot_create);
}

}  // namespace
}  // namespace campipe::record
