#include "transport.hpp"

namespace campipe::bench {

std::unique_ptr<Transport> make_gstreamer(const Transport::Options& /*options*/) {
  return nullptr;
}

}  // namespace campipe::bench
