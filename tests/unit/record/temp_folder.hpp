#pragma once
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>

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
  std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool has(const std::string& name) const { return std::filesystem::exists(path_ / name); }

private:
  std::filesystem::path path_;
};

}  // namespace campipe::record
