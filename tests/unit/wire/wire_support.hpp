#pragma once
#include <array>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "wire/make_reader.hpp"
#include "wire/make_writer.hpp"
#include "wire/stream/reader.hpp"
#include "wire/stream/writer.hpp"

namespace campipe::wire::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

/// Output of a shell command; a command that fails fails the test.
inline std::string shell(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    out.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  EXPECT_EQ(status, 0) << command;
  return out;
}

inline Bytes shell_bytes(const std::string& command) {
  return bytes_of(shell(command));
}

/// A file in memory; its path can be given to other programs.
class MemFile {
public:
  MemFile() : fd_(::memfd_create("wire-test", MFD_CLOEXEC)) { EXPECT_TRUE(fd_); }
  explicit MemFile(std::span<const std::byte> content) : MemFile() { EXPECT_EQ(write_all(fd_.get(), content), 0); }

  Fd for_writing() const { return Fd(::dup(fd_.get())); }
  Fd for_reading() const {
    ::lseek(fd_.get(), 0, SEEK_SET);
    return Fd(::dup(fd_.get()));
  }
  std::string path() const { return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get()); }
  Bytes content() const {
    Bytes all(static_cast<std::size_t>(::lseek(fd_.get(), 0, SEEK_END)));
    EXPECT_EQ(::pread(fd_.get(), all.data(), all.size(), 0), static_cast<ssize_t>(all.size()));
    return all;
  }

private:
  Fd fd_;
};

/// All that comes out of a stream.
struct Read {
  std::vector<media::StreamFormat> formats;
  std::vector<media::Packet> packets;
  stream::ReaderStats stats;
  stream::Pull last = stream::Pull::end;

  std::vector<media::Packet> of(media::Track track) const {
    std::vector<media::Packet> found;
    for (const auto& packet : packets) {
      if (packet.track == track) found.push_back(packet);
    }
    return found;
  }
  std::vector<media::Packet> video() const { return of(media::Track::video); }
};

inline Read drain(stream::Reader& reader) {
  Read all;
  for (;;) {
    all.last = reader.next();
    if (all.last == stream::Pull::format) {
      all.formats.push_back(reader.format());
    } else if (all.last == stream::Pull::packet) {
      all.packets.push_back(reader.packet());
    } else {
      break;
    }
  }
  all.stats = reader.stats();
  return all;
}

inline Read read_all(Fd fd, stream::ReadOptions options = {}) {
  const auto reader = make_reader(std::move(fd), "stdin", std::move(options));
  return drain(*reader);
}

/// Through a pipe, written by a thread, so that the reader cannot take it for a file.
inline Read read_piped(std::span<const std::byte> bytes, stream::ReadOptions options = {}) {
  Pipe pipe = make_pipe();
  std::thread writer([&] {
    write_all(pipe.write_end.get(), bytes);
    pipe.write_end.reset();
  });
  try {
    Read all = read_all(std::move(pipe.read_end), std::move(options));
    writer.join();
    return all;
  } catch (...) {
    writer.join();
    throw;
  }
}

inline media::StreamFormat raw_format(media::PixelFormat pixels, Size size) {
  media::StreamFormat format;
  format.video.codec = media::VideoCodec::raw;
  format.video.pixel_format = pixels;
  format.video.size = size;
  format.video.frame_rate = {30, 1};
  return format;
}

/// A payload whose bytes tell which frame they belong to.
inline media::Payload pattern(std::size_t bytes, unsigned frame) {
  Bytes content(bytes);
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<std::byte>((frame * 31 + i * 7) & 0xFF);
  return media::Payload::from(std::move(content));
}

inline bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::equal(a, b);
}

/// `count` frames of a raw stream, 1/30 s apart.
inline std::vector<media::Packet> raw_packets(const media::StreamFormat& format, unsigned count,
                                              std::int64_t first_us = 1'795'226'522'100'179) {
  std::vector<media::Packet> packets;
  for (unsigned i = 0; i < count; ++i) {
    media::Packet packet;
    packet.pts_us = first_us + i * 33'333;
    packet.captured_ns = 5'000'000'123 + i * 33'333'000LL;
    packet.sequence = i;
    packet.keyframe = true;
    packet.payload = pattern(media::picture_bytes(format.video.pixel_format, format.video.size), i);
    packets.push_back(std::move(packet));
  }
  return packets;
}

inline Bytes written(const media::StreamFormat& format, const std::vector<media::Packet>& packets,
                     stream::OutputFormat as = stream::OutputFormat::nut) {
  const MemFile file;
  const auto writer = make_writer(file.for_writing(), "stdout", as);
  writer->set_format(format);
  for (const auto& packet : packets) writer->write(packet);
  return file.content();
}

}  // namespace campipe::wire::test
