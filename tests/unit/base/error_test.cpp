#include "base/error.hpp"

#include <cerrno>

#include <gtest/gtest.h>

namespace campipe {
namespace {

TEST(ErrorOfErrno, HasTheExitCodeOfSysexits) {
  struct Case {
    int error;
    ExitCode code;
    int number;
  };
  for (const Case& c : {
           Case{ENOENT, ExitCode::no_input, 66},      Case{ENODEV, ExitCode::no_input, 66},
           Case{ENXIO, ExitCode::no_input, 66},       Case{ENOTDIR, ExitCode::no_input, 66},
           Case{EISDIR, ExitCode::no_input, 66},      Case{EACCES, ExitCode::permission, 77},
           Case{EPERM, ExitCode::permission, 77},     Case{EBUSY, ExitCode::try_again, 75},
           Case{EAGAIN, ExitCode::try_again, 75},     Case{ENOSPC, ExitCode::cannot_create, 73},
           Case{EDQUOT, ExitCode::cannot_create, 73}, Case{EROFS, ExitCode::cannot_create, 73},
           Case{EEXIST, ExitCode::cannot_create, 73}, Case{EIO, ExitCode::io_error, 74},
           Case{EPIPE, ExitCode::io_error, 74},       Case{ENOMEM, ExitCode::os_error, 71},
           Case{EMFILE, ExitCode::os_error, 71},      Case{EINVAL, ExitCode::os_error, 71},
           Case{0, ExitCode::os_error, 71},           Case{-1, ExitCode::os_error, 71},
           Case{123456, ExitCode::os_error, 71},
       }) {
    EXPECT_EQ(exit_code_for_errno(c.error), c.code) << c.error;
    EXPECT_EQ(static_cast<int>(c.code), c.number) << c.error;
  }
}

TEST(ErrorOfErrno, SaysWhatWasTriedAndWhy) {
  try {
    throw_errno(EACCES, "cannot open /dev/video0");
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::permission);
    EXPECT_STREQ(error.what(), "cannot open /dev/video0: Permission denied");
  }
}

TEST(ErrorOfErrno, HasATextForEveryNumber) {
  EXPECT_EQ(errno_text(ENOSPC), "No space left on device");
  EXPECT_EQ(errno_text(123456), "Unknown error 123456");
  EXPECT_EQ(errno_text(-5), "Unknown error -5");
}

TEST(OutputClosed, IsAnErrorOfInputAndOutputThatNamesTheOutput) {
  const OutputClosed closed("stdout");
  const Error& error = closed;
  EXPECT_EQ(error.code(), ExitCode::io_error);
  EXPECT_STREQ(error.what(), "stdout: its reader is gone");
}

}  // namespace
}  // namespace campipe
