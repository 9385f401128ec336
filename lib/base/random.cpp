#include "base/random.hpp"

#include <cerrno>
#include <vector>

#include <sys/random.h>

#include "base/error.hpp"

namespace campipe {

namespace {

void fill(void* into, std::size_t bytes) {
  auto* at = static_cast<unsigned char*>(into);
  while (bytes > 0) {
    const ssize_t got = ::getrandom(at, bytes, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw_errno(errno, "cannot get random bytes");
    }
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

}  // namespace

std::uint32_t random_u32() {
  std::uint32_t value = 0;
  fill(&value, sizeof value);
  return value;
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  fill(&value, sizeof value);
  return value;
}

std::string random_hex(int bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::vector<unsigned char> raw(static_cast<std::size_t>(bytes));
  fill(raw.data(), raw.size());
  std::string text;
  for (const unsigned char b : raw) {
    text += kDigits[b >> 4];
    text += kDigits[b & 15];
  }
  return text;
}

}  // namespace campipe
