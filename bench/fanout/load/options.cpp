#include "load/options.hpp"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string_view>

namespace fanout {

namespace {

constexpr const char* kUsage =
    "usage: load_client mjpeg|rtsp|rtsp-udp HOST:PORT /PATH [OPTION VALUE]...\n"
    "  -n N        good clients (1)                  -x N   stalled ones, which never read (0)\n"
    "  -s N        slow ones (0)                     -b N   bytes a second that a slow one reads (100000)\n"
    "  -d SECONDS  measured (10)                     -w SECONDS  before that (2)\n"
    "  -j SECONDS  over which the joins are spread (0)\n"
    "  -m N        streams: {} in PATH is 0 to N-1   -r FPS of the stream (30)\n"
    "  -t MS       read each MS milliseconds, not when something comes (0: when it comes)\n"
    "  -c 0|1      copy MJPEG bodies instead of discarding them in the kernel (0)\n"
    "  -B BYTES    receive buffers of good clients (the system's)\n"
    "  -S BYTES    receive buffers of the others (32768)\n"
    "  -V VERSION  of HTTP (1.1)                     -k DIR  keep what slow RTSP clients got\n"
    "  -p PID,...  processes whose CPU and memory, with their children's, is told";

std::vector<pid_t> pids_of(const std::string& text) {
  std::vector<pid_t> pids;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one, ',');) pids.push_back(static_cast<pid_t>(std::atoi(one.c_str())));
  return pids;
}

void set(Options& options, std::string_view name, const std::string& text) {
  const double value = std::atof(text.c_str());
  const int number = static_cast<int>(value);
  if (name.size() != 2 || name[0] != '-') fail("unknown option " + std::string(name) + "\n" + kUsage);
  switch (name[1]) {
    case 'n':
      options.good = number;
      break;
    case 'x':
      options.stalled = number;
      break;
    case 's':
      options.slow = number;
      break;
    case 'b':
      options.slow_bytes_per_s = value;
      break;
    case 'd':
      options.seconds = value;
      break;
    case 'w':
      options.warm_up_s = value;
      break;
    case 'j':
      options.join_s = value;
      break;
    case 'm':
      options.streams = number > 0 ? number : 1;
      break;
    case 'r':
      options.fps = value;
      break;
    case 't':
      options.tick_ms = value;
      break;
    case 'c':
      options.discard = number == 0;
      break;
    case 'B':
      options.receive_buffer_bytes = number;
      break;
    case 'S':
      options.bad_receive_buffer_bytes = number;
      break;
    case 'V':
      options.http_version = text;
      break;
    case 'k':
      options.keep = text;
      break;
    case 'p':
      options.pids = pids_of(text);
      break;
    default:
      fail("unknown option " + std::string(name) + "\n" + kUsage);
  }
}

}  // namespace

void fail(const std::string& what) {
  std::fprintf(stderr, "load_client: %s\n", what.c_str());
  std::exit(69);
}

Options parse_options(int argc, char** argv) {
  if (argc < 4) fail(kUsage);
  Options options;
  const std::string_view protocol = argv[1];
  if (protocol == "rtsp") {
    options.protocol = Protocol::rtsp_tcp;
  } else if (protocol == "rtsp-udp") {
    options.protocol = Protocol::rtsp_udp;
  } else if (protocol != "mjpeg") {
    fail(std::string(protocol) + ": one of mjpeg, rtsp, rtsp-udp");
  }
  const std::string where = argv[2];
  options.host = where.substr(0, where.rfind(':'));
  options.port = where.substr(where.rfind(':') + 1);
  options.path = argv[3];
  for (int i = 4; i < argc; i += 2) {
    if (i + 1 == argc) fail(std::string(argv[i]) + " has no value\n" + kUsage);
    set(options, argv[i], argv[i + 1]);
  }
  return options;
}

}  // namespace fanout
