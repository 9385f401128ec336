#pragma once
#include <cstdint>

namespace campipe::serve::test {

/// How many system calls this program's code has made that can send: send, sendto, sendmsg, sendmmsg, write, writev.
/// By the linker's --wrap (tests/support/CMakeLists.txt), so that no counter of the server is believed.
std::uint64_t send_calls() noexcept;

}  // namespace campipe::serve::test
