#include "net/uv.hpp"

namespace campipe::net {

void check_uv(int result, std::string_view what) {
  if (result < 0) throw_errno(-result, what);  // on Unix libuv's codes are negated errno values
}

}  // namespace campipe::net
