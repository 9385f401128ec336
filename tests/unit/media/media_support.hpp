#pragma once
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace campipe::media::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes(std::initializer_list<int> values) {
  Bytes out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

inline Bytes operator+(Bytes left, std::span<const std::byte> right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// A file of tests/data/media.
inline Bytes data_file(const std::string& name) {
  std::ifstream in(std::string(CAMPIPE_TEST_DATA) + "/media/" + name, std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(chars.empty()) << name;
  const auto view = std::as_bytes(std::span(chars));
  return {view.begin(), view.end()};
}

/// Writes what BitReader reads, to make parameter sets that no encoder would.
class BitWriter {
public:
  BitWriter& bits(std::uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) put((value >> i & 1) != 0);
    return *this;
  }
  BitWriter& ue(std::uint64_t value) {
    int length = 0;
    while ((value + 1) >> (length + 1) != 0) ++length;
    return bits(0, length).bits(value + 1, length + 1);
  }
  BitWriter& se(std::int64_t value) { return ue(static_cast<std::uint64_t>(value > 0 ? 2 * value - 1 : -2 * value)); }

  /// With the stop bit, without emulation prevention.
  Bytes rbsp() const {
    BitWriter end = *this;
    end.put(true);
    return end.bytes_;
  }

  /// With the stop bit and emulation prevention bytes, behind `header`.
  Bytes nal(std::initializer_list<int> header) const {
    Bytes out = test::bytes(header);
    int zeros = 0;
    for (const std::byte byte : rbsp()) {
      if (zeros >= 2 && std::to_integer<int>(byte) <= 3) {
        out.push_back(std::byte{3});
        zeros = 0;
      }
      zeros = byte == std::byte{0} ? zeros + 1 : 0;
      out.push_back(byte);
    }
    return out;
  }

private:
  void put(bool bit) {
    if (used_ % 8 == 0) bytes_.push_back(std::byte{0});
    if (bit) bytes_.back() |= std::byte{0x80} >> (used_ % 8);
    ++used_;
  }

  Bytes bytes_;
  int used_ = 0;
};

/// Which of the units begin an access unit.
template <class Splitter>
std::vector<std::size_t> access_unit_starts(const std::vector<std::span<const std::byte>>& nals) {
  Splitter splitter;
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < nals.size(); ++i) {
    if (splitter.starts_access_unit(nals[i])) starts.push_back(i);
  }
  return starts;
}

}  // namespace campipe::media::test
