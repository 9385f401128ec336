#include "mp4/box_writer.hpp"

#include <cassert>
#include <limits>

namespace campipe::mp4 {

BoxWriter::Scope::~Scope() {
  const std::size_t size = out_.size() - start_;
  assert(size <= std::numeric_limits<std::uint32_t>::max());
  for (std::size_t i = 0; i < 4; ++i) out_[start_ + i] = static_cast<std::byte>(size >> (24 - 8 * i));
}

BoxWriter::Scope BoxWriter::box(std::string_view type) {
  assert(type.size() == 4);
  const std::size_t start = out_.size();
  u32(0);
  text(type);
  return {out_, start};
}

BoxWriter::Scope BoxWriter::full_box(std::string_view type, int version, std::uint32_t flags) {
  const std::size_t start = out_.size();
  u32(0);
  text(type);
  u32(static_cast<std::uint32_t>(version) << 24 | flags);
  return {out_, start};
}

void BoxWriter::text(std::string_view text) {
  bytes(std::as_bytes(std::span(text)));
}

void BoxWriter::patch_u32(std::size_t position, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) out_[position + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

void BoxWriter::number(std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) out_.push_back(static_cast<std::byte>(value >> shift));
}

}  // namespace campipe::mp4
