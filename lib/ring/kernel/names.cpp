#include "ring/kernel/names.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "base/error.hpp"

namespace campipe::ring::kernel {

namespace {

constexpr std::size_t kMaxPart = 64;
constexpr std::string_view kPrefix = "campipe.";
constexpr std::string_view kControl = ".ctl";

bool is_letter(char letter) noexcept {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '-';
}

bool is_part(std::string_view part) noexcept {
  return !part.empty() && part.size() <= kMaxPart && std::ranges::all_of(part, is_letter);
}

}  // namespace

bool is_name(std::string_view name) noexcept {
  const std::size_t dot = name.find('.');
  if (!is_part(name.substr(0, dot))) return false;
  if (dot == std::string_view::npos) return true;
  const std::string_view suffix = name.substr(dot + 1);
  return is_part(suffix) && suffix != "ctl" && suffix != "new";  // these two are taken by the objects' own names
}

void require_name(std::string_view name) {
  if (is_name(name)) return;
  throw Error(ExitCode::usage,
              "shm:" + std::string(name) +
                  ": a ring's name is 1 to 64 letters, digits, _ or -, and one .SUFFIX: shm:front.h264");
}

bool is_pattern(std::string_view pattern) noexcept {
  return pattern.size() <= 2 * kMaxPart + 1 && pattern.find_first_of("*?") != std::string_view::npos &&
         std::ranges::all_of(pattern, [](char c) { return is_letter(c) || c == '.' || c == '*' || c == '?'; });
}

bool matches(std::string_view pattern, std::string_view name) noexcept {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const std::string& directory() {
  static const std::string path = [] {
    const char* given = std::getenv("CAMPIPE_RING_DIR");
    return std::string(given != nullptr && given[0] == '/' ? given : "/dev/shm");
  }();
  return path;
}

std::string object_path(std::string_view name) {
  return directory() + "/" + std::string(kPrefix) + std::string(name);
}

std::string control_path(std::string_view name) {
  return object_path(name) + std::string(kControl);
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator file(directory(), error), end; !error && file != end;
       file.increment(error)) {
    const std::string text = file->path().filename().string();
    if (!text.starts_with(kPrefix)) continue;
    const std::string name = text.substr(kPrefix.size());
    if (is_name(name)) names.push_back(name);
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw_errno(error.value(), "cannot look for rings in " + directory());
  std::ranges::sort(names);
  return names;
}

}  // namespace campipe::ring::kernel
