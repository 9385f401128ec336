#include "base/faults.hpp"

#include <new>
#include <stdexcept>

#include <gtest/gtest.h>

namespace campipe::faults {
namespace {

TEST(Faults, ContainAnswersWhetherTheBodyCameToItsEnd) {
  EXPECT_TRUE(contain("good body", [] {}));
  EXPECT_FALSE(contain("bad body", [] { throw std::runtime_error("broken"); }));
  EXPECT_FALSE(counts().contains("good body"));
  EXPECT_EQ(counts().at("bad body"), 1U);
}

TEST(Faults, CureRunsOnlyAfterAFault) {
  int cured = 0;
  contain("curable", [] {}, [&] { ++cured; });
  EXPECT_EQ(cured, 0);
  contain("curable", [] { throw std::bad_alloc(); }, [&] { ++cured; });
  EXPECT_EQ(cured, 1);
}

TEST(Faults, CureThatFailsIsCountedToo) {
  contain("incurable", [] { throw 1; }, [] { throw std::runtime_error("again"); });
  EXPECT_EQ(counts().at("incurable"), 2U);
}

TEST(Faults, FirstOfAKindIsLoggedAndTheNextOnesOnlyCounted) {
  testing::internal::CaptureStderr();
  for (int i = 0; i < 100; ++i) contain("often", [] { throw std::runtime_error("the cause"); });
  contain("rare", [] { throw std::bad_alloc(); });
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("often: fault: the cause"), std::string::npos) << text;
  EXPECT_EQ(text.find("often"), text.rfind("often")) << text;
  EXPECT_NE(text.find("rare: fault: out of memory"), std::string::npos) << text;
  EXPECT_EQ(counts().at("often"), 100U);
}

}  // namespace
}  // namespace campipe::faults
