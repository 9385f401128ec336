#pragma once
#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "record/segment/folder.hpp"

namespace campipe::record {

/// A folder that is gone with its contents at the end of the test.
class TempFolder {
public:
  TempFolder() {
    std::string text = (std::filesystem::temp_directory_path() / "camrec-test-XXXXXX").string();
    if (::mkdtemp(text.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = text;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  segment::Folder folder() const { return {Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY)), path_.string()}; }

  void write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  /// Sets when a file was changed last.
  void touch(const std::string& name, std::int64_t unix_s) const {
    const std::array<timespec, 2> times{timespec{unix_s, 0}, timespec{unix_s, 0}};
    if (::utimensat(AT_FDCWD, (path_ / name).c_str(), times.data(), 0) != 0) throw std::runtime_error("utimensat");
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool has(const std::string& name) const { return std::filesystem::exists(path_ / name); }

private:
  std::filesystem::path path_;
};

}  // namespace campipe::record
