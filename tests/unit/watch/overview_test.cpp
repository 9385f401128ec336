#include "watch/overview.hpp"

#include <gmock/gmock.h>

#include "watch/config/config.hpp"

namespace campipe::watch {
namespace {

using testing::HasSubstr;
using testing::Not;

config::Config config(const std::string& stages) {
  return config::parse_config("version: 1\nchains:\n  c:\n    stages:\n" + stages, "c.yaml");
}

TEST(Overview, TreeShowsEachStageBelowWhatFeedsIt) {
  const config::Config chain = config(
      "      source: {cmd: [cat, \"fd:out.left\", \"fd:out.right\"]}\n"
      "      left: {from: source, cmd: [tee], required: false}\n"
      "      right: {from: source, link: paired, cmd: [tr, a, b]}\n"
      "      end: {from: right, cmd: [wc]}\n");
  const std::string tree = tree_of(chain);
  EXPECT_TRUE(tree.starts_with("c\n  source: cat")) << tree;
  EXPECT_THAT(tree, HasSubstr("\n    left: tee (not required)\n"));
  EXPECT_THAT(tree, HasSubstr("\n    right: tr a b (paired)\n      end: wc\n"));
}

TEST(Overview, StageWithTwoInputsIsShownOnce) {
  const config::Config chain = config(
      "      a: {cmd: [cat]}\n"
      "      b: {cmd: [cat]}\n"
      "      both: {from: [a, b], cmd: [paste, \"fd:in.a\", \"fd:in.b\"]}\n");
  const std::string tree = tree_of(chain);
  EXPECT_THAT(tree, HasSubstr("    both: paste"));
  EXPECT_THAT(tree, HasSubstr("    both (see above)\n"));
}

TEST(Overview, TreeHidesPasswords) {
  EXPECT_THAT(tree_of(config("      a: {cmd: [cat, \"rtsp://user:secret@192.0.2.7/\"]}\n")), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace campipe::watch
