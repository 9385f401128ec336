#pragma once
#include <cerrno>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace campipe::test {

/// While it lives no descriptor can be had.
class NoDescriptors {
public:
  enum class Freed { come_back, stay_away };  ///< those that are closed meanwhile; poll(2) fails when these stay away

  explicit NoDescriptors(Freed freed = Freed::come_back) {
    errno_text(EMFILE);  // UBSan looks at an object's type by a pipe, the first time it meets the type
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const Fd next(::dup(STDERR_FILENO));
    const rlimit none{freed == Freed::come_back ? static_cast<rlim_t>(next.get()) : 0, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

}  // namespace campipe::test
