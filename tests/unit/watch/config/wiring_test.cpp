#include "watch/config/wiring.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace campipe::watch {
namespace {

using Words = std::vector<std::string>;

config::StageConfig make_stage(std::string name, Words from, Words cmd) {
  config::StageConfig stage;
  stage.name = std::move(name), stage.from = std::move(from), stage.cmd = std::move(cmd);
  return stage;
}

/// grab -> {mjpeg, h264}; mjpeg -> serve; h264 -> {serve, rec}
config::ChainConfig quickstart() {
  return {.name = "q",
          .stages = {make_stage("grab", {}, {"camgrab", "pattern"}), make_stage("mjpeg", {"grab"}, {"/usr/bin/camenc"}),
                     make_stage("h264", {"grab"}, {"camenc", "-c", "h264"}),
                     make_stage("serve", {"mjpeg", "h264"}, {"camserve", "cam=fd:in.mjpeg", "cam=fd:in.h264"}),
                     make_stage("rec", {"h264"}, {"camrec", "/rec"})},
          .at = {}};
}

TEST(Wiring, MakesOnePipePerEdgeAndNamesThemInTheCommands) {
  const config::Wiring wiring = config::plan_wiring(quickstart(), "f");
  ASSERT_EQ(wiring.edges.size(), 5U);
  EXPECT_EQ(wiring.stages[0].argv, (Words{"camgrab", "pattern", "-o", "fd:3", "-o", "fd:4"}));
  EXPECT_EQ(wiring.stages[1].argv, (Words{"/usr/bin/camenc"}));
  EXPECT_EQ(wiring.stages[2].argv, (Words{"camenc", "-c", "h264", "-o", "fd:3", "-o", "fd:4"}));
  EXPECT_EQ(wiring.stages[3].argv, (Words{"camserve", "cam=fd:3", "cam=fd:4"}));
  EXPECT_EQ(wiring.stages[4].argv, (Words{"camrec", "/rec"}));
  ASSERT_EQ(wiring.stages[1].inputs.size(), 1U);
  EXPECT_EQ(wiring.stages[1].inputs[0].fd, 0);
  ASSERT_EQ(wiring.stages[1].outputs.size(), 1U);
  EXPECT_EQ(wiring.stages[1].outputs[0].fd, 1);
}

TEST(Wiring, EachPipeHasOneReaderAndOneWriter) {
  const config::Wiring wiring = config::plan_wiring(quickstart(), "f");
  for (std::size_t e = 0; e < wiring.edges.size(); ++e) {
    int readers = 0, writers = 0;
    for (std::size_t i = 0; i < wiring.stages.size(); ++i) {
      for (const config::Handed& handed : wiring.stages[i].inputs)
        readers += handed.edge == e && wiring.edges[e].to == i;
      for (const config::Handed& handed : wiring.stages[i].outputs)
        writers += handed.edge == e && wiring.edges[e].from == i;
    }
    EXPECT_EQ(readers, 1);
    EXPECT_EQ(writers, 1);
  }
}

TEST(Wiring, StagesOfAChainMayBeJoinedByRingsThatTheirCommandsName) {
  const config::ChainConfig chain{.name = "r",
                                  .stages = {make_stage("grab", {}, {"camgrab", "-o", "shm:r.raw"}),
                                             make_stage("enc", {}, {"camenc", "-i", "shm:r.raw", "-o", "shm:r.mjpeg"}),
                                             make_stage("serve", {}, {"camserve", "cam=shm:r.mjpeg"})},
                                  .at = {}};
  const config::Wiring wiring = config::plan_wiring(chain, "f");
  EXPECT_TRUE(wiring.edges.empty());
  for (std::size_t i = 0; i < chain.stages.size(); ++i) EXPECT_EQ(wiring.stages[i].argv, chain.stages[i].cmd);
  EXPECT_EQ(wiring.start_order, (std::vector<std::size_t>{2, 1, 0})) << "what is written last in the file first";
}

TEST(Wiring, SinksStartFirst) {
  const config::Wiring wiring = config::plan_wiring(quickstart(), "f");
  const auto place = [&](std::size_t i) {
    return std::ranges::find(wiring.start_order, i) - wiring.start_order.begin();
  };
  for (const config::Edge& edge : wiring.edges) EXPECT_LT(place(edge.to), place(edge.from));
}

TEST(Wiring, PlaceholdersStandAlsoInsideWordsOfOtherPrograms) {
  const config::ChainConfig chain{
      .name = "c",
      .stages = {make_stage("a", {}, {"ffmpeg", "-f", "tee", "[f=nut]pipe:out.b|[f=nut]pipe:out.c"}),
                 make_stage("b", {"a"}, {"python3", "x.py", "/dev/fd/in"}), make_stage("c", {"a"}, {"cat"})},
      .at = {}};
  const config::Wiring wiring = config::plan_wiring(chain, "f");
  EXPECT_EQ(wiring.stages[0].argv[3], "[f=nut]pipe:3|[f=nut]pipe:4");
  EXPECT_EQ(wiring.stages[1].argv[2], "/dev/fd/3");
  EXPECT_EQ(wiring.stages[2].inputs[0].fd, 0);
}

TEST(Wiring, WhatOnlyLooksLikeAPlaceholderStays) {
  for (const char* word : {"http://host/fd:out", "myfd:out", "fd:output", "fd:7", "pipe:1", "out", "fd:"}) {
    const config::ChainConfig chain{
        .name = "c", .stages = {make_stage("a", {}, {"prog", word}), make_stage("b", {"a"}, {"cat"})}, .at = {}};
    EXPECT_EQ(config::plan_wiring(chain, "f").stages[0].argv[1], word);
  }
}

TEST(Wiring, AnOwnOutputOfOurToolsDoesNotReplaceThePipe) {
  const config::ChainConfig chain{
      .name = "c",
      .stages = {make_stage("a", {}, {"camgrab", "-o", "x.nut"}), make_stage("b", {"a"}, {"cat"})},
      .at = {}};
  EXPECT_EQ(config::plan_wiring(chain, "f").stages[0].argv, (Words{"camgrab", "-o", "x.nut", "-o", "fd:3"}));
}

TEST(Wiring, LinksOfSharedMemoryAreOneRingForAllReaders) {
  config::ChainConfig chain{
      .name = "cam",
      .stages = {make_stage("grab", {}, {"camgrab", "pattern"}), make_stage("mjpeg", {"grab"}, {"camenc"}),
                 make_stage("h264", {"grab"}, {"camenc", "-c", "h264"}),
                 make_stage("serve", {"mjpeg", "h264"}, {"camserve", "x=fd:in.mjpeg", "x=fd:in.h264"}),
                 make_stage("rec", {"h264"}, {"camrec", "/rec"})},
      .at = {}};
  for (auto& stage : chain.stages) {
    if (!stage.from.empty()) stage.link = config::Link::ring;
  }
  const config::Wiring wiring = config::plan_wiring(chain, "f");
  EXPECT_TRUE(wiring.edges.empty());
  EXPECT_EQ(wiring.stages[0].argv, (Words{"camgrab", "pattern", "-o", "shm:cam.grab"}));
  EXPECT_EQ(wiring.stages[1].argv, (Words{"camenc", "-o", "shm:cam.mjpeg", "-i", "shm:cam.grab"}));
  EXPECT_EQ(wiring.stages[2].argv, (Words{"camenc", "-c", "h264", "-o", "shm:cam.h264", "-i", "shm:cam.grab"}));
  EXPECT_EQ(wiring.stages[3].argv, (Words{"camserve", "x=shm:cam.mjpeg", "x=shm:cam.h264"}));
  EXPECT_EQ(wiring.stages[4].argv, (Words{"camrec", "/rec", "-i", "shm:cam.h264"}));
  EXPECT_FALSE(wiring.stages[0].reads_rings);
  EXPECT_TRUE(wiring.stages[4].reads_rings);
}

TEST(Wiring, APipeBesideARingIsNamedToo) {
  config::ChainConfig chain{
      .name = "cam",
      .stages = {make_stage("grab", {}, {"camgrab"}), make_stage("enc", {"grab"}, {"camenc", "-o", "x"}),
                 make_stage("own", {"grab"}, {"cat"})},
      .at = {}};
  chain.stages[1].link = config::Link::ring;
  const config::Wiring wiring = config::plan_wiring(chain, "f");
  EXPECT_EQ(wiring.stages[0].argv, (Words{"camgrab", "-o", "shm:cam.grab", "-o", "fd:3"}));
  EXPECT_EQ(wiring.edges.size(), 1U);
}

TEST(Wiring, WhoCannotUseARingIsNotGivenOne) {
  const auto refused = [](Words producer, Words consumer, std::string name = "c") {
    config::ChainConfig chain{
        .name = std::move(name),
        .stages = {make_stage("a", {}, std::move(producer)), make_stage("b", {"a"}, std::move(consumer))},
        .at = {}};
    chain.stages[1].link = config::Link::ring;
    try {
      config::plan_wiring(chain, "f");
    } catch (const config::ConfigError&) {
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused({"camgrab"}, {"camserve"}));
  EXPECT_TRUE(refused({"ffmpeg"}, {"camserve"}));
  EXPECT_TRUE(refused({"camgrab"}, {"cat"}));
  EXPECT_TRUE(refused({"camgrab"}, {"camserve"}, std::string(65, 'c')));
}

TEST(Wiring, WhoReadsARingHasAnInputThatNeverEnds) {
  const auto reads = [](Words words) {
    const config::ChainConfig chain{
        .name = "c", .stages = {make_stage("a", {}, {"camgrab"}), make_stage("b", {"a"}, std::move(words))}, .at = {}};
    return config::plan_wiring(chain, "f").stages[1].reads_rings;
  };
  EXPECT_TRUE(reads({"camserve", "cam=fd:in", "cam=shm:x.h264"}));
  EXPECT_FALSE(reads({"camserve"}));
  EXPECT_FALSE(reads({"camenc", "-o", "shm:x.mjpeg"}));
  EXPECT_FALSE(reads({"cat", "shm:x"}));
  const config::ChainConfig recorder{
      .name = "c", .stages = {make_stage("a", {}, {"camrec", "-i", "shm:x.h264", "/rec"})}, .at = {}};
  EXPECT_TRUE(config::plan_wiring(recorder, "f").stages[0].reads_rings);
}

TEST(Wiring, BytesWithoutMarksPairTheirEnds) {
  const auto paired = [](Words producer, Words consumer, config::Link link = config::Link::automatic) {
    config::ChainConfig chain{
        .name = "c",
        .stages = {make_stage("a", {}, std::move(producer)), make_stage("b", {"a"}, std::move(consumer))},
        .at = {}};
    chain.stages[1].link = link;
    return config::plan_wiring(chain, "f").edges[0].paired;
  };
  EXPECT_FALSE(paired({"camgrab"}, {"camenc", "-o", "x"}));
  EXPECT_TRUE(paired({"camgrab", "--output-format", "rawvideo"}, {"python3"}));
  EXPECT_TRUE(paired({"camgrab", "--output-format=y4m"}, {"python3"}));
  EXPECT_TRUE(paired({"python3"}, {"camenc", "--input-format", "rawvideo:bgr24:640x480@30", "-o", "x"}));
  EXPECT_FALSE(paired({"camgrab", "--output-format", "mjpeg"}, {"python3"}));
  EXPECT_FALSE(paired({"camgrab", "--output-format", "y4m"}, {"python3"}, config::Link::pipe));
  EXPECT_TRUE(paired({"x"}, {"y"}, config::Link::paired));
}

}  // namespace
}  // namespace campipe::watch
