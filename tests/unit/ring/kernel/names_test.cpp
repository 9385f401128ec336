#include "ring/kernel/names.hpp"

#include <fstream>

#include <gmock/gmock.h>

#include "base/no_descriptors.hpp"
#include "ring/ring_support.hpp"

namespace campipe::ring {
namespace {

using testing::Contains;
using testing::Not;

class NamesTest : public RingTest {};

TEST_F(NamesTest, ControlObjectsAreNoRings) {
  EXPECT_THAT(kernel::all_names(), Not(Contains(name)));
  std::ofstream(kernel::control_path(name)) << "x";
  EXPECT_THAT(kernel::all_names(), Not(Contains(name)));
  std::ofstream(kernel::object_path(name)) << "x";
  EXPECT_THAT(kernel::all_names(), Contains(name));
}

TEST_F(NamesTest, FolderThatCannotBeReadIsNoEmptyOne) {
  const campipe::test::NoDescriptors none;
  try {
    kernel::all_names();
    FAIL() << "an answer";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "cannot look for rings in " + kernel::directory() + ": Too many open files");
  }
}

}  // namespace
}  // namespace campipe::ring
