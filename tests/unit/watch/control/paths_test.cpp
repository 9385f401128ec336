#include "watch/control/paths.hpp"

#include <cstdlib>
#include <map>
#include <optional>

#include <sys/stat.h>
#include <unistd.h>

#include "watch/chain/chain_rig.hpp"

namespace campipe::watch {
namespace {

/// The variables that the paths go by, unset; as they were afterwards.
class PathsTest : public testing::Test {
protected:
  PathsTest() {
    for (const char* name :
         {"HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "RUNTIME_DIRECTORY", "LOGS_DIRECTORY"}) {
      const char* const value = std::getenv(name);
      before_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
      ::unsetenv(name);
    }
  }
  ~PathsTest() override {
    for (const auto& [name, value] : before_) {
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
    }
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }

  fake::TempFolder folder_;

private:
  std::map<std::string, std::optional<std::string>> before_;
};

TEST_F(PathsTest, ControlSocketPrefersTheServicesFolder) {
  set("XDG_RUNTIME_DIR", "/run/user/1");
  EXPECT_EQ(control::default_control_socket(), "/run/user/1/campipe/camwatch.sock");
  set("RUNTIME_DIRECTORY", "/run/campipe:/run/other");
  EXPECT_EQ(control::default_control_socket(), "/run/campipe/camwatch.sock");
}

TEST_F(PathsTest, PathThatDoesNotBeginAtTheRootIsIgnored) {
  set("XDG_RUNTIME_DIR", "run");
  const std::string fallback = ::geteuid() == 0 ? "/run/campipe/camwatch.sock"
                                                : "/tmp/campipe-" + std::to_string(::geteuid()) + "/camwatch.sock";
  EXPECT_EQ(control::default_control_socket(), fallback);
}

TEST_F(PathsTest, LogsGoWhereTheServiceOrTheUserKeepsThem) {
  set("XDG_STATE_HOME", "/state");
  EXPECT_EQ(control::default_log_dir(), "/state/campipe/log");
  set("LOGS_DIRECTORY", "/var/log/front");
  EXPECT_EQ(control::default_log_dir(), "/var/log/front");
}

TEST_F(PathsTest, ConfigurationOfTheUserIsFoundWhenItIsThere) {
  set("XDG_CONFIG_HOME", folder_.path());
  const std::string own = folder_.path() + "/campipe/camwatch.yaml";
  control::make_folder(folder_.path() + "/campipe", true);
  std::ofstream(own) << "version: 1\n";
  EXPECT_EQ(control::default_config_path(), own);
}

TEST_F(PathsTest, FolderIsMadeWithThoseAboveItForUsAlone) {
  const std::string path = folder_.path() + "/a/b/c";
  control::make_folder(path, true);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  control::make_folder(path, true);  // it is there
}

TEST_F(PathsTest, FolderThatOthersMayWriteIntoIsRefusedWhenItMustBeOurs) {
  const std::string path = folder_.path() + "/open";
  control::make_folder(path, true);
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  control::make_folder(path, false);
  EXPECT_THROW(control::make_folder(path, true), Error);
}

TEST_F(PathsTest, FileInTheWayIsToldByItsName) {
  const std::string file = folder_.path() + "/file";
  std::ofstream(file) << "x";
  try {
    control::make_folder(file + "/below", false);
    FAIL() << "a folder in a file";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::cannot_create);
    EXPECT_NE(std::string(error.what()).find(file), std::string::npos);
  }
}

}  // namespace
}  // namespace campipe::watch
