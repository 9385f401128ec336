#pragma once
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string_view>

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
    meet_types();
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const Fd next(::dup(STDERR_FILENO));
    const rlimit none{freed == Freed::come_back ? static_cast<rlim_t>(next.get()) : 0, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
  /// UBSan looks at an object's type by a pipe, the first time it meets the type: then there is none any more.
  static void meet_types() {
    static_cast<void>(errno_text(EMFILE));
    const auto meet = [](const std::exception& thrown) { return std::string_view(thrown.what()).size(); };
    std::size_t met = meet(std::runtime_error("x")) + meet(std::logic_error("x")) + meet(std::bad_alloc());
    met += meet(Error(ExitCode::os_error, "x"));
    EXPECT_GT(met, 0U);
  }

  rlimit before_{};
};

}  // namespace campipe::test
