#pragma once
#include "media/jpeg_huffman.hpp"
#include "rtp/bytes.hpp"
#include "rtp/bytes_of.hpp"

namespace campipe::rtp::test {

/// A JPEG image as cameras make them, put together from parts that a test can spoil.
struct JpegImage {
  int width = 640, height = 360, precision = 8, sof = 0xC0;
  int luma_sampling = 0x22, chroma_sampling = 0x11;
  int components = 3;
  int luma_table = 0, blue_table = 1, red_table = 1;
  int quantiser_bits = 0;  // 1: 16-bit tables
  int restart_interval = 0;
  bool huffman = true, end = true;
  int scan_components = 3;
  Bytes luma = noise(64, 7), chroma = noise(64, 8);
  Bytes scan = noise(5000, 9);
  Bytes extra;  // before the scan

  Bytes segment(int marker, const Bytes& content) const {
    Bytes out = bytes({0xFF, marker});
    append_u16(out, static_cast<std::uint32_t>(content.size() + 2));
    append(out, content);
    return out;
  }

  Bytes table(int id, const Bytes& values) const {
    Bytes out = bytes({quantiser_bits << 4 | id});
    append(out, values);
    if (quantiser_bits != 0) append(out, values);
    return segment(0xDB, out);
  }

  Bytes frame() const {
    Bytes out = bytes({precision});
    append_u16(out, static_cast<std::uint32_t>(height));
    append_u16(out, static_cast<std::uint32_t>(width));
    out.push_back(static_cast<std::byte>(components));
    const int tables[] = {luma_table, blue_table, red_table};
    for (int i = 0; i < components; ++i)
      append(out, bytes({i + 1, i == 0 ? luma_sampling : chroma_sampling, tables[i]}));
    return segment(sof, out);
  }

  Bytes make() const {
    Bytes out = bytes({0xFF, 0xD8});
    append(out, segment(0xFE, text_bytes("a comment with \xFF\xD9 in it")));
    append(out, table(0, luma));
    append(out, table(1, chroma));
    if (restart_interval != 0) append(out, segment(0xDD, bytes({restart_interval >> 8, restart_interval & 255})));
    append(out, frame());
    if (huffman) {
      const auto tables = media::jpeg::standard_huffman_tables();
      append(out, segment(0xC4, Bytes(tables.begin(), tables.end())));
    }
    append(out, extra);
    Bytes sos = bytes({scan_components});
    for (int i = 0; i < scan_components; ++i) append(sos, bytes({i + 1, i == 0 ? 0x00 : 0x11}));
    append(sos, bytes({0, 63, 0}));
    append(out, segment(0xDA, sos));
    append(out, scan);
    if (end) append(out, bytes({0xFF, 0xD9}));
    return out;
  }
};

}  // namespace campipe::rtp::test
