#include "mp4/box_reader.hpp"

namespace campipe::mp4 {

std::optional<Box> BoxReader::next() noexcept {
  FieldReader fields(rest_);
  std::uint64_t size = fields.u32();
  const std::uint32_t type = fields.u32();
  std::uint64_t header = 8;
  if (size == 1) size = fields.u64(), header = 16;
  if (!fields.ok() || size < header || size > rest_.size()) return std::nullopt;
  const auto length = static_cast<std::size_t>(size);
  const Box box{type, rest_.first(length), rest_.subspan(header, length - header)};
  rest_ = rest_.subspan(length);
  return box;
}

std::optional<Box> find_box(std::span<const std::byte> bytes, std::initializer_list<std::string_view> path) noexcept {
  std::optional<Box> found;
  for (const std::string_view type : path) {
    BoxReader reader(bytes);
    do {
      found = reader.next();
      if (!found) return std::nullopt;
    } while (found->type != fourcc(type));
    bytes = found->payload;
  }
  return found;
}

void FieldReader::skip(std::size_t bytes) noexcept {
  ok_ = ok_ && bytes <= rest_.size();
  rest_ = ok_ ? rest_.subspan(bytes) : std::span<const std::byte>{};
}

std::uint64_t FieldReader::number(std::size_t size) noexcept {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<std::uint64_t>(rest_[i]);
  rest_ = rest_.subspan(size);
  return value;
}

}  // namespace campipe::mp4
