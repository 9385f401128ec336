#include "base/crc32c.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace campipe {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint32_t crc(const Bytes& bytes, std::uint32_t before = 0) {
  return crc32c(std::as_bytes(std::span(bytes)), before);
}

Bytes counting() {
  Bytes bytes(32);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

/// RFC 3720, B.4. The RFC prints the bytes as they go on the wire, the lowest first.
TEST(Crc32c, AgreesWithTheExamplesOfRfc3720) {
  EXPECT_EQ(crc(Bytes(32, 0x00)), 0x8A9136AAU);
  EXPECT_EQ(crc(Bytes(32, 0xFF)), 0x62A8AB43U);
  EXPECT_EQ(crc(counting()), 0x46DD794EU);
  Bytes down = counting();
  std::ranges::reverse(down);
  EXPECT_EQ(crc(down), 0x113FDB5CU);
  const Bytes read_pdu{0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
                       0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0,    0};
  ASSERT_EQ(read_pdu.size(), 48U);
  EXPECT_EQ(crc(read_pdu), 0xD9963A56U);
}

TEST(Crc32c, AgreesWithTheCheckValueOfTheCatalogue) {
  constexpr std::string_view kText = "123456789";
  EXPECT_EQ(crc32c(std::as_bytes(std::span(kText))), 0xE3069283U);
}

TEST(Crc32c, OfNothingIsWhatCameBefore) {
  EXPECT_EQ(crc({}), 0U);
  EXPECT_EQ(crc({}, 0xE3069283U), 0xE3069283U);
}

TEST(Crc32c, InPiecesIsTheSameAsAtOnce) {
  const Bytes all = counting();
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(cut);
    EXPECT_EQ(crc(Bytes(middle, all.end()), crc(Bytes(all.begin(), middle))), 0x46DD794EU) << cut;
  }
}

TEST(Crc32c, ChangesWithEachBit) {
  Bytes bytes = counting();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
    bytes[bit / 8] ^= mask;
    EXPECT_NE(crc(bytes), 0x46DD794EU) << bit;
    bytes[bit / 8] ^= mask;
  }
}

}  // namespace
}  // namespace campipe
