#include "record/segment/index.hpp"

#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::record::segment {

namespace {

constexpr std::string_view kCrcMember = R"(,"crc":")";
constexpr const char* kTrusted = "synchronised";
constexpr const char* kUntrusted = "unsynchronised";
constexpr std::size_t kCrcTail = 7 + 1 + 8 + 2;  // ,"crc":" … "}

std::string file_of(const std::string& day) {
  return day + ".jsonl";
}

bool good_line(std::string_view line) {
  if (line.size() <= kCrcTail + 1 || line.front() != '{' || !line.ends_with("\"}")) return false;
  const std::string_view body = line.substr(0, line.size() - kCrcTail);
  const std::string_view member = line.substr(body.size(), kCrcMember.size());
  const std::string_view digits = line.substr(body.size() + kCrcMember.size(), 8);
  std::uint32_t crc = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), crc, 16);
  return member == kCrcMember && error == std::errc{} && end == digits.data() + digits.size() &&
         crc == crc32c(std::as_bytes(std::span(body)));
}

/// Without the keyframes, which are most of a line; that they begin here is certain: inside a string the quotes would
/// have a backslash.
std::string head_of(std::string_view line) {
  const std::size_t end = line.find(R"(,"keyframes":)");
  return end == std::string_view::npos ? std::string(line) : std::string(line.substr(0, end)) + "}";
}

/// What another program wrote with a right checksum may still be anything.
void read_line(std::string_view text, Index::Contents& contents) {
  const nlohmann::json line = nlohmann::json::parse(head_of(text), nullptr, false);
  if (!line.is_object()) return;
  const auto string = [&](const char* key) {
    const auto found = line.find(key);
    return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto number = [&](const char* key) {
    const auto found = line.find(key);
    return found != line.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
  };
  const std::string kind = string("kind");
  if (kind == "del") contents.deleted.insert(string("name"));
  if (kind != "seg" || number("order") <= 0) return;
  contents.stamps[string("name")] = {.order = static_cast<std::uint64_t>(number("order")),
                                     .at = {.unix_us = number("published_us"),
                                            .trusted = string("clock") == kTrusted,
                                            .boot = string("boot"),
                                            .monotonic_us = number("monotonic_us")}};
}

void read_lines(std::string_view text, Index::Contents& contents) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    read_line(text.substr(0, end), contents);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

std::string with_checksum(std::string body) {
  body.pop_back();  // the closing brace
  return fmt::format("{}{}{:08x}\"}}\n", body, kCrcMember, crc32c(std::as_bytes(std::span(body))));
}

std::size_t good_length(std::string_view text) {
  std::size_t good = 0;
  while (good < text.size()) {
    const std::size_t end = text.find('\n', good);
    if (end == std::string_view::npos || !good_line(text.substr(good, end - good))) break;
    good = end + 1;
  }
  return good;
}

void Index::opened(const SegmentName& name) {
  const nlohmann::ordered_json line{{"kind", "open"}, {"name", to_string(name)}};
  append(name.start_ms, line.dump());
}

void Index::published(const SegmentRecord& segment) {
  nlohmann::ordered_json keyframes = nlohmann::ordered_json::array();
  for (const auto& key : segment.keyframes) keyframes.push_back({key.time_us, key.offset});
  nlohmann::ordered_json line{{"kind", "seg"},
                              {"name", to_string(segment.name)},
                              {"start_us", segment.start_us},
                              {"duration_us", segment.duration_us},
                              {"frames", segment.frames},
                              {"bytes", segment.bytes},
                              {"video", segment.video},
                              {"end", segment.end_reason}};
  if (segment.stamp.known()) {
    line["order"] = segment.stamp.order;
    line["published_us"] = segment.stamp.at.unix_us;
    line["clock"] = segment.stamp.at.trusted ? kTrusted : kUntrusted;
    line["boot"] = segment.stamp.at.boot;
    line["monotonic_us"] = segment.stamp.at.monotonic_us;
  }
  line["keyframes"] = std::move(keyframes);
  append(segment.name.start_ms, line.dump());
}

void Index::gap(const GapRecord& gap) {
  const nlohmann::ordered_json line{
      {"kind", "gap"}, {"from_us", gap.from_us}, {"to_us", gap.to_us}, {"frames", gap.frames}, {"reason", gap.reason}};
  append(gap.from_us / 1000, line.dump());
}

void Index::deleted(const SegmentName& name, const std::string& reason) {
  const nlohmann::ordered_json line{{"kind", "del"}, {"name", to_string(name)}, {"reason", reason}};
  append(name.start_ms, line.dump());
}

void Index::append(std::int64_t time_ms, std::string body) {
  const std::string line = with_checksum(std::move(body));
  const std::string name = file_of(day_folder(time_ms));
  const Fd fd(::openat(folder_.fd(), name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644));
  int error = fd ? 0 : errno;
  struct stat before{};
  if (error == 0) error = ::fstat(fd.get(), &before) == 0 ? 0 : errno;
  if (error == 0) {
    error = write_all(fd.get(), std::as_bytes(std::span(line)));
    // A half line would hide what is appended behind it until the next repair.
    if (error != 0) [[maybe_unused]]
      const int cut = ::ftruncate(fd.get(), before.st_size);
  }
  if (error == 0 && ::fdatasync(fd.get()) != 0) error = errno;
  if (error != 0 && !failing_) {
    log::warning("{}/{}: {}: the index misses lines; it can be deleted and is made anew at the next start",
                 folder_.path(), name, errno_text(error));
  }
  failing_ = error != 0;
}

Index::Contents Index::repair() {
  Contents contents;
  for (const std::string& name : folder_.entries()) {
    if (name.ends_with(".jsonl")) repair(name, contents);
  }
  return contents;
}

void Index::repair(const std::string& name, Contents& contents) {
  constexpr std::int64_t kMaxIndexFile = 256 << 20;
  const Fd fd(::openat(folder_.fd(), name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > kMaxIndexFile) return;
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
  if (got < 0) return;
  const std::size_t good = good_length(std::string_view(text).substr(0, static_cast<std::size_t>(got)));
  read_lines(std::string_view(text).substr(0, good), contents);
  if (good == text.size()) return;
  log::warning("{}/{}: damaged behind byte {}: cut there", folder_.path(), name, good);
  if (::ftruncate(fd.get(), static_cast<off_t>(good)) == 0) ++contents.cut;
}

bool Index::has_day(const std::string& day) const {
  return folder_.status(file_of(day)).has_value();
}
void Index::remove_day(const std::string& day) {
  folder_.remove(file_of(day));
}

}  // namespace campipe::record::segment
