#pragma once
#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

namespace fanout {

/// What an H.264 client got, as a file that a decoder can be run over: RTP payloads (RFC 6184) to Annex B.
class AnnexBFile {
public:
  explicit AnnexBFile(const std::string& path);
  void payload(std::span<const std::byte> rtp_payload);

private:
  void start_nal();
  void write(std::span<const std::byte> bytes);

  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace fanout
