#pragma once
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace campipe::wire {

/// Where a stream comes from or goes to: `-` | `fd:N` | PATH (file, FIFO, /dev/fd/N) | `shm:NAME`.
struct Endpoint {
  enum class Kind { standard, fd, path, ring };
  Kind kind = Kind::standard;
  int fd = -1;             ///< Kind::fd
  std::string path;        ///< Kind::path
  std::string name;        ///< Kind::ring: [A-Za-z0-9_-]{1,64}, one `.SUFFIX` allowed
  std::string text = "-";  ///< as it was written, for messages
};

/// Throws Error(usage) with the grammar's rule that was broken; a URL is refused with the camgrab pipeline to use
/// instead.
Endpoint parse_endpoint(std::string_view text);

/// Opens for reading; blocking, close-on-exec; stdin and `fd:N` are duplicated, their flags are not touched (they are
/// shared with others). A FIFO waits for its writer. Throws Error: no such file 66, a directory 66, no permission 77,
/// stdin a terminal 64. Not for rings: see open.hpp.
Fd open_input(const Endpoint& endpoint);

/// Opens for writing; PATH is created or truncated. Throws Error: cannot create 73, no permission 77, stdout a
/// terminal 64 (a stream is never written to a terminal). Not for rings: see open.hpp.
Fd open_output(const Endpoint& endpoint);

/// Whether `name` is a stream's name: [A-Za-z0-9_-]{1,64}.
bool is_stream_name(std::string_view name) noexcept;

}  // namespace campipe::wire
