#include "mp4/sample_entry.hpp"

#include <algorithm>

#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/nal.hpp"

namespace campipe::mp4 {

namespace {

using media::AudioCodec;
using media::Nal;
using media::VideoCodec;

bool is_parameter_set(VideoCodec codec, Nal nal) {
  if (codec == VideoCodec::h264) {
    const int type = media::h264::nal_type(nal);
    return type == media::h264::kSps || type == media::h264::kPps;
  }
  const int type = media::h265::nal_type(nal);
  return type == media::h265::kVps || type == media::h265::kSps || type == media::h265::kPps;
}

bool is_padding(VideoCodec codec, Nal nal) {
  if (codec == VideoCodec::h264) {
    const int type = media::h264::nal_type(nal);
    return type == media::h264::kAud || type == media::h264::kFiller;
  }
  const int type = media::h265::nal_type(nal);
  return type == media::h265::kAud || type == media::h265::kFiller;
}

bool contains(const std::vector<Nal>& nals, Nal wanted) {
  return std::ranges::any_of(nals, [&](Nal nal) { return std::ranges::equal(nal, wanted); });
}

void write_visual_entry(BoxWriter& out, const media::VideoFormat& format) {
  out.zeros(6);
  out.u16(1);  // data reference
  out.zeros(16);
  out.u16(static_cast<std::uint64_t>(format.size.width_px));
  out.u16(static_cast<std::uint64_t>(format.size.height_px));
  out.u32(0x480000);  // 72 dpi
  out.u32(0x480000);
  out.u32(0);
  out.u16(1);  // frames per sample
  out.zeros(32);
  out.u16(24);
  out.u16(0xFFFF);
}

void write_audio_entry(BoxWriter& out, const media::AudioFormat& format) {
  out.zeros(6);
  out.u16(1);
  out.zeros(8);
  out.u16(static_cast<std::uint64_t>(format.channels));
  out.u16(16);
  out.u32(0);
  out.u32(static_cast<std::uint32_t>(std::min(format.sample_rate_hz, 0xFFFF)) << 16);
}

/// A descriptor's tag and length (ISO/IEC 14496-1, 8.3.3), in the four-byte form all demuxers know.
void write_descriptor(BoxWriter& out, int tag, std::size_t length) {
  out.u8(static_cast<std::uint64_t>(tag));
  for (int shift = 21; shift > 0; shift -= 7) out.u8((length >> shift & 0x7F) | 0x80);
  out.u8(length & 0x7F);
}

void write_esds(BoxWriter& out, std::span<const std::byte> config) {
  constexpr std::size_t kDescriptorHeader = 5;
  const auto esds = out.full_box("esds", 0, 0);
  const std::size_t decoder_config = 13 + kDescriptorHeader + config.size();
  write_descriptor(out, 3, 3 + kDescriptorHeader + decoder_config + kDescriptorHeader + 1);  // ES_Descriptor
  out.u16(0);
  out.u8(0);
  write_descriptor(out, 4, decoder_config);  // DecoderConfigDescriptor
  out.u8(0x40);                              // MPEG-4 audio
  out.u8(0x15);                              // audio stream
  out.zeros(3 + 4 + 4);                      // buffer size, maximal and average bit rate: unknown
  write_descriptor(out, 5, config.size());   // DecoderSpecificInfo
  out.bytes(config);
  write_descriptor(out, 6, 1);  // SLConfigDescriptor
  out.u8(2);
}

/// OpusHead (RFC 7845, 5.1) is little-endian, dOps big-endian, and its version 0.
bool write_dops(BoxWriter& out, std::span<const std::byte> head) {
  constexpr std::size_t kMagic = 8;
  constexpr std::size_t kFixed = 19;
  if (head.size() < kFixed) return false;
  const auto le = [&](std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<std::uint64_t>(head[at + i]);
    return value;
  };
  const auto dops = out.box("dOps");
  out.u8(0);
  out.u8(le(kMagic + 1, 1));   // channels
  out.u16(le(kMagic + 2, 2));  // pre-skip
  out.u32(le(kMagic + 4, 4));  // input sample rate
  out.u16(le(kMagic + 8, 2));  // output gain
  out.bytes(head.subspan(kMagic + 10));
  return true;
}

}  // namespace

bool fits_mp4(VideoCodec codec) noexcept {
  return codec == VideoCodec::h264 || codec == VideoCodec::h265;
}
bool fits_mp4(AudioCodec codec) noexcept {
  return codec == AudioCodec::aac || codec == AudioCodec::opus;
}

Bytes make_sample_description(const media::VideoFormat& format) {
  const bool avc = format.codec == VideoCodec::h264;
  if (!avc && format.codec != VideoCodec::h265) return {};
  const Bytes record =
      avc ? media::h264::make_avcc(format.parameter_sets) : media::h265::make_hvcc(format.parameter_sets);
  if (record.empty()) return {};
  Bytes bytes;
  BoxWriter out(bytes);
  {
    const auto stsd = out.full_box("stsd", 0, 0);
    out.u32(1);
    const auto entry = out.box(avc ? "avc1" : "hvc1");
    write_visual_entry(out, format);
    const auto config = out.box(avc ? "avcC" : "hvcC");
    out.bytes(record);
  }
  return bytes;
}

Bytes make_sample_description(const media::AudioFormat& format) {
  if (!fits_mp4(format.codec) || format.extradata.empty() || format.extradata.size() > 4096) return {};
  Bytes bytes;
  BoxWriter out(bytes);
  bool good = true;
  {
    const auto stsd = out.full_box("stsd", 0, 0);
    out.u32(1);
    const auto entry = out.box(format.codec == AudioCodec::aac ? "mp4a" : "Opus");
    write_audio_entry(out, format);
    if (format.codec == AudioCodec::aac) {
      write_esds(out, format.extradata);
    } else {
      good = write_dops(out, format.extradata);
    }
  }
  return good ? bytes : Bytes{};
}

std::size_t append_sample(Bytes& out, VideoCodec codec, std::span<const std::byte> access_unit,
                          std::span<const std::byte> known) {
  const std::size_t before = out.size();
  const std::vector<Nal> sets = media::split_annex_b(known);
  BoxWriter writer(out);
  for (const Nal nal : media::split_annex_b(access_unit)) {
    if (is_padding(codec, nal) || (is_parameter_set(codec, nal) && contains(sets, nal))) continue;
    writer.u32(nal.size());
    writer.bytes(nal);
  }
  return out.size() - before;
}

bool parameter_sets_known(VideoCodec codec, std::span<const std::byte> access_unit, std::span<const std::byte> known) {
  const std::vector<Nal> sets = media::split_annex_b(known);
  const std::vector<Nal> nals = media::split_annex_b(access_unit);
  return std::ranges::all_of(nals, [&](Nal nal) { return !is_parameter_set(codec, nal) || contains(sets, nal); });
}

}  // namespace campipe::mp4
