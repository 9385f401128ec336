#include "media/bit_reader.hpp"

#include "media/media_support.hpp"

namespace campipe::media {
namespace {

using test::BitWriter;
using test::bytes;
using test::Bytes;

TEST(BitReader, ReadsBitsAcrossBytes) {
  const Bytes in = bytes({0b1010'0101, 0b1100'0011, 0xff, 0x00, 0x12, 0x34});
  BitReader reader(in);
  EXPECT_TRUE(reader.flag());
  EXPECT_EQ(reader.bits(0), 0U);
  EXPECT_EQ(reader.bits(5), 0b01001U);
  EXPECT_EQ(reader.bits(4), 0b0111U);
  EXPECT_EQ(reader.bits(32), 0b00'0011'1111'1111'0000'0000'0001'0010'00U);
  EXPECT_EQ(reader.bits_left(), 6U);
  EXPECT_EQ(reader.bits(6), 0b110100U);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.bits_left(), 0U);
}

TEST(BitReader, ReadsExpGolombCodes) {
  const std::uint64_t values[] = {0, 1, 2, 3, 6, 7, 254, 255, 65'534, 65'535, 0x7fff'ffff, 0xffff'fffe};
  BitWriter writer;
  for (const std::uint64_t value : values) writer.ue(value);
  const Bytes in = writer.rbsp();
  BitReader reader(in);
  for (const std::uint64_t value : values) EXPECT_EQ(reader.ue(), value);
  EXPECT_TRUE(reader.ok());
}

TEST(BitReader, ReadsSignedExpGolombCodes) {
  const std::int64_t values[] = {0, 1, -1, 2, -2, 1000, -1000, 0x7fff'ffff, -0x7fff'ffff};
  BitWriter writer;
  for (const std::int64_t value : values) writer.se(value);
  const Bytes in = writer.rbsp();
  BitReader reader(in);
  for (const std::int64_t value : values) EXPECT_EQ(reader.se(), value);
  EXPECT_TRUE(reader.ok());
}

TEST(BitReader, FailsForGoodPastTheEnd) {
  const Bytes in = bytes({0xff, 0xff});
  BitReader reader(in);
  reader.skip(10);
  EXPECT_EQ(reader.bits(7), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.bits(1), 0U);
  EXPECT_EQ(reader.ue(), 0U);
  EXPECT_EQ(reader.se(), 0);
  EXPECT_EQ(reader.bits_left(), 0U);
}

TEST(BitReader, RefusesCodesThatAreTooLong) {
  const Bytes zeros(64, std::byte{0});
  BitReader reader(zeros);
  EXPECT_EQ(reader.ue(), 0U);
  EXPECT_FALSE(reader.ok());
  const Bytes cut = bytes({0, 0, 0, 1});  // 31 zeros and the one, and then the end
  BitReader short_reader(cut);
  EXPECT_EQ(short_reader.ue(), 0U);
  EXPECT_FALSE(short_reader.ok());
}

TEST(BitReader, HoldsValuesToTheirBound) {
  const Bytes in = BitWriter().ue(31).ue(32).rbsp();
  BitReader reader(in);
  EXPECT_EQ(reader.ue_up_to(31), 31);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.ue_up_to(31), 0);
  EXPECT_FALSE(reader.ok());
}

TEST(BitReader, SkipsAnyLengthWithoutOverflow) {
  const Bytes in = bytes({1, 2, 3});
  BitReader reader(in);
  reader.skip(8);
  reader.skip(static_cast<std::size_t>(-1));
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace campipe::media
