#include "watch/process/process_io.hpp"

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace campipe::watch::process {

namespace {

constexpr std::size_t kMaxProcesses = 256;

std::string read_proc(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::array<char, 8192> text{};
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string();
}

std::optional<std::uint64_t> value_after(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const char* const begin = text.data() + at + name.size();
  if (std::from_chars(begin, text.data() + text.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

void add_children(pid_t pid, std::vector<pid_t>& all) {
  const std::string text = read_proc(fmt::format("/proc/{0}/task/{0}/children", pid));
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end && all.size() < kMaxProcesses) {
    pid_t child = 0;
    const auto [next, error] = std::from_chars(at, end, child);
    if (error == std::errc{}) all.push_back(child);
    at = next + 1;
  }
}

}  // namespace

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> all;
  add_children(pid, all);
  return all;
}

std::optional<std::uint64_t> io_bytes(pid_t pid) {
  std::vector<pid_t> all{pid};
  for (std::size_t i = 0; i < all.size(); ++i) add_children(all[i], all);
  std::uint64_t sum = 0;
  for (const pid_t one : all) {
    const std::string text = read_proc(fmt::format("/proc/{}/io", one));
    const auto got = value_after(text, "rchar: ");
    const auto put = value_after(text, "wchar: ");
    if (got && put) sum += *got + *put;
    if (one == pid && !got) return std::nullopt;
  }
  return sum;
}

}  // namespace campipe::watch::process
