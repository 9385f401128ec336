#pragma once
#include <cstddef>

namespace campipe::ring::kernel {

constexpr std::size_t kPage = 4096;  ///< bytes; every part of a ring begins on one

}  // namespace campipe::ring::kernel
