#pragma once
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace campipe::net {

/// A descriptor that systemd(1) or camwatch(1) passed (sd_listen_fds(3): $LISTEN_PID, $LISTEN_FDS, $LISTEN_FDNAMES).
struct InheritedSocket {
  Fd fd;             ///< close-on-exec
  std::string name;  ///< "" when none was given
};

/// The listening stream sockets among them; others, which may be inputs, are left as they are. Once: whoever asks again
/// takes the same descriptors.
std::vector<InheritedSocket> inherited_listeners();

}  // namespace campipe::net
