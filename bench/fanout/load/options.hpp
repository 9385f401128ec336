#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace fanout {

enum class Protocol { mjpeg, rtsp_tcp, rtsp_udp };

/// What the load client was told on its command line.
struct Options {
  Protocol protocol = Protocol::mjpeg;
  std::string host, port;
  std::string path;  ///< {} in it is a client's number modulo `streams`
  int good = 1, stalled = 0, slow = 0;
  int streams = 1;
  double slow_bytes_per_s = 100'000;
  double seconds = 10;                       ///< of the window in which is measured
  double warm_up_s = 2;                      ///< before it, the joins included
  double join_s = 0;                         ///< over which all joins are spread evenly
  double fps = 30;                           ///< of the stream; RTSP's frames lost are found by it
  double tick_ms = 0;                        ///< reads so often instead of when something comes
  bool discard = true;                       ///< MJPEG bodies are thrown away in the kernel and not copied
  int receive_buffer_bytes = 0;              ///< of good clients; 0 = the system's
  int bad_receive_buffer_bytes = 32 * 1024;  ///< of stalled and slow ones
  std::string http_version = "1.1";
  std::string keep;         ///< folder for what the slow RTSP clients got, Annex B
  std::vector<pid_t> pids;  ///< whose use of CPU and memory is told
};

/// Ends the program with a message when the command line is wrong.
Options parse_options(int argc, char** argv);

/// One line on stderr, exit code 69.
[[noreturn]] void fail(const std::string& what);

}  // namespace fanout
