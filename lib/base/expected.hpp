#pragma once
#include <expected>

namespace campipe {

/// A value or the ordinary reason why there is none. Failures one cannot go on from are thrown (base/error.hpp).
/// GCC 12's std::expected has no monadic calls yet: use has_value(), operator* and error().
template <class T, class E>
using Expected = std::expected<T, E>;

template <class E>
using Unexpected = std::unexpected<E>;

}  // namespace campipe
