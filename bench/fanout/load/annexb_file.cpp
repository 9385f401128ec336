#include "load/annexb_file.hpp"

#include <array>

#include "load/options.hpp"
#include "rtp/bytes.hpp"

namespace fanout {

namespace {
constexpr int kStapA = 24, kFuA = 28;
}

AnnexBFile::AnnexBFile(const std::string& path) : file_(std::fopen(path.c_str(), "wb")) {
  if (!file_) fail("cannot create " + path);
}

void AnnexBFile::payload(std::span<const std::byte> rtp_payload) {
  if (rtp_payload.size() < 2) return;
  const int octet = std::to_integer<int>(rtp_payload[0]);
  const int type = octet & 0x1F;
  if (type == kStapA) {
    auto rest = rtp_payload.subspan(1);
    while (rest.size() > 2) {
      const std::size_t size = campipe::rtp::get_u16(rest, 0);
      if (size + 2 > rest.size()) return;
      start_nal();
      write(rest.subspan(2, size));
      rest = rest.subspan(2 + size);
    }
  } else if (type == kFuA) {
    const int fu = std::to_integer<int>(rtp_payload[1]);
    if ((fu & 0x80) != 0) {
      start_nal();
      const std::array header{static_cast<std::byte>((octet & 0xE0) | (fu & 0x1F))};
      write(header);
    }
    write(rtp_payload.subspan(2));
  } else {
    start_nal();
    write(rtp_payload);
  }
}

void AnnexBFile::start_nal() {
  constexpr std::array kStartCode{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
  write(kStartCode);
}

void AnnexBFile::write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) fail("cannot write what a client got");
}

}  // namespace fanout
