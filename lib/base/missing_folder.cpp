#include "base/missing_folder.hpp"

#include <filesystem>
#include <system_error>

namespace campipe {

std::string missing_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::path missing;
  for (auto folder = std::filesystem::path(path).parent_path(); !folder.empty() && folder != folder.root_path();
       folder = folder.parent_path()) {
    if (std::filesystem::exists(folder, error) || error) break;
    missing = folder;
  }
  return missing.empty() ? "" : ": the folder " + missing.string() + " is missing";
}

}  // namespace campipe
