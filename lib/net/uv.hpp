#pragma once
#include <memory>
#include <string_view>

#include <uv.h>

#include "base/error.hpp"

namespace campipe::net {

/// libuv handles may not move, and live until the close callback.
template <class T>
struct UvClose {
  void operator()(T* handle) const noexcept {
    handle->data = nullptr;  // a callback still queued finds no owner
    uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }
};

/// Only after uv_*_init succeeded.
template <class T>
using UvPtr = std::unique_ptr<T, UvClose<T>>;

/// Throws Error "WHAT: uv_strerror" when `result` is one of libuv's negative error codes.
void check_uv(int result, std::string_view what);

}  // namespace campipe::net
