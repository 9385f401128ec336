#include "watch/config/wiring.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "ring/kernel/names.hpp"

namespace campipe::watch::config {

namespace {

constexpr std::array<std::string_view, 3> kPrefixes{"fd:", "pipe:", "/dev/fd/"};

bool name_char(char c) {
  return is_name(std::string_view(&c, 1));
}

/// "fd:out.enc" inside a word.
struct Placeholder {
  std::size_t at = 0;  ///< of "out"
  std::size_t length = 0;
  bool output = false;
  std::string stage;  ///< empty = the only one
};

std::optional<Placeholder> placeholder_at(std::string_view word, std::size_t at) {
  for (const std::string_view prefix : kPrefixes) {
    if (word.substr(at, prefix.size()) != prefix) continue;
    // "//host/fd:out" and "myfd:out" are not meant.
    if (at > 0 && (name_char(word[at - 1]) || std::string_view("/.:").find(word[at - 1]) != std::string_view::npos))
      return std::nullopt;
    Placeholder found{.at = at + prefix.size(), .length = 0, .output = false, .stage = {}};
    const std::string_view rest = word.substr(found.at);
    if (rest.starts_with("out")) {
      found.output = true, found.length = 3;
    } else if (rest.starts_with("in")) {
      found.length = 2;
    } else {
      return std::nullopt;
    }
    if (rest.size() == found.length) return found;
    if (name_char(rest[found.length])) return std::nullopt;
    if (rest[found.length] != '.') return found;
    std::size_t end = found.length + 1;
    while (end < rest.size() && name_char(rest[end])) ++end;
    found.stage = rest.substr(found.length + 1, end - found.length - 1);
    found.length = end;
    return found;
  }
  return std::nullopt;
}

std::optional<Placeholder> find_placeholder(std::string_view word, std::size_t from) {
  for (std::size_t at = from; at < word.size(); ++at) {
    if (auto found = placeholder_at(word, at)) return found;
  }
  return std::nullopt;
}

/// Whether it reads or writes a ring that its words name, as -o shm:NAME or cam=shm:NAME.
bool names_ring(const StageConfig& stage) {
  return std::any_of(stage.cmd.begin() + 1, stage.cmd.end(), [](const std::string& word) {
    return word.starts_with("shm:") || word.find("=shm:") != std::string::npos;
  });
}

bool has_option(const StageConfig& stage, std::string_view short_name, std::string_view long_name) {
  return std::any_of(stage.cmd.begin() + 1, stage.cmd.end(), [&](const std::string& word) {
    return (word.starts_with(short_name) && !word.starts_with("--")) || word == long_name ||
           word.starts_with(std::string(long_name) + "=");
  });
}

/// The value of --name VALUE or --name=VALUE.
std::string_view option_value(const StageConfig& stage, std::string_view name) {
  for (std::size_t i = 1; i < stage.cmd.size(); ++i) {
    const std::string_view word = stage.cmd[i];
    if (word == name && i + 1 < stage.cmd.size()) return stage.cmd[i + 1];
    if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) return word.substr(name.size() + 1);
  }
  return {};
}

/// Bytes in which nobody finds the next picture after a torn one.
bool without_marks(std::string_view format) {
  return format == "y4m" || format.starts_with("rawvideo");
}

/// What link: shm makes: a ring that one stage writes and another reads.
struct Ring {
  std::size_t from = 0, to = 0;
  std::string name;    ///< shm:CHAIN.STAGE
  bool named = false;  ///< a word of the reader's has it
};

class Planner {
public:
  Planner(const ChainConfig& chain, const std::string& file) : chain_(chain), file_(file) {}

  Wiring plan() {
    wiring_.stages.resize(chain_.stages.size());
    find_edges();
    order();
    for (std::size_t i = 0; i < chain_.stages.size(); ++i) {
      check_connected(i);
      wire(i);
    }
    return std::move(wiring_);
  }

private:
  const StageConfig& stage(std::size_t i) const { return chain_.stages[i]; }
  bool ours(std::size_t i, std::initializer_list<std::string_view> tools) const {
    return std::ranges::find(tools, program_name(stage(i).cmd.front())) != tools.end();
  }

  [[noreturn]] void refuse(std::size_t i, Position at, const std::string& what) const {
    throw ConfigError(file_, at.line == 0 ? stage(i).at : at,
                      fmt::format("{}/{}: {}", chain_.name, stage(i).name, what));
  }
  Position at(const std::vector<Position>& places, std::size_t i) const {
    return i < places.size() ? places[i] : Position{};
  }

  void find_edges() {
    for (std::size_t to = 0; to < chain_.stages.size(); ++to) {
      const StageConfig& consumer = stage(to);
      for (std::size_t k = 0; k < consumer.from.size(); ++k) {
        const auto found = std::ranges::find(chain_.stages, consumer.from[k], &StageConfig::name);
        if (found == chain_.stages.end()) {
          refuse(to, at(consumer.from_at, k),
                 fmt::format("from: there is no stage '{}' in this chain", consumer.from[k].substr(0, 64)));
        }
        const auto from = static_cast<std::size_t>(found - chain_.stages.begin());
        if (from == to) refuse(to, at(consumer.from_at, k), "from: a stage cannot read itself");
        if (std::ranges::count(consumer.from, consumer.from[k]) > 1) {
          refuse(to, at(consumer.from_at, k), fmt::format("from: '{}' is there twice", consumer.from[k]));
        }
        if (consumer.link == Link::ring) {
          join_by_ring(from, to, k);
        } else {
          wiring_.edges.push_back({from, to, paired(from, to)});
        }
      }
      if (consumer.from.empty() && consumer.link != Link::automatic) refuse(to, {}, "link: needs a from:");
    }
  }

  /// link: shm. The ring is CHAIN.STAGE of the stage that writes it, which is told once however many read it.
  void join_by_ring(std::size_t from, std::size_t to, std::size_t k) {
    if (!ours(from, {"camgrab", "camenc"}))
      refuse(to, at(stage(to).from_at, k), "link: shm: only camgrab and camenc write rings by themselves");
    if (!ours(to, {"camenc", "camserve", "camrec"}))
      refuse(to, {}, "link: shm: only camenc, camserve and camrec read rings by themselves: name the ring in cmd");
    const std::string ring = chain_.name + "." + stage(from).name;
    if (!ring::kernel::is_name(ring))
      refuse(to, {}, "link: shm: '" + ring + "' can be no ring's name: give chain and stage shorter ones");
    rings_.push_back({from, to, "shm:" + ring, false});
  }

  /// Whether a stage writes a ring because of link: shm.
  bool writes_ring(std::size_t i) const {
    return std::ranges::any_of(rings_, [&](const Ring& one) { return one.from == i; });
  }

  /// The words of a stage with its rings in them.
  void name_rings(std::size_t i) {
    StageWiring& wired = wiring_.stages[i];
    for (const Ring& one : rings_) {
      if (one.from != i) continue;
      wired.argv.insert(wired.argv.end(), {"-o", one.name});
      break;  // one ring for all of its readers
    }
    for (Ring& one : rings_) {
      if (one.to != i) continue;
      wired.reads_rings = true;
      for (std::size_t w = 1; w < wired.argv.size() && !one.named; ++w) name_ring_in(wired.argv[w], one);
      if (one.named) continue;
      const bool serve = ours(i, {"camserve"});
      if (stage(i).from.size() > 1) {
        refuse(i, at(stage(i).from_at, 0), "has several inputs: name them in cmd, as fd:in." + stage(one.from).name);
      }
      if (serve) {
        wired.argv.push_back("cam=" + one.name);
      } else {
        wired.argv.insert(wired.argv.end(), {"-i", one.name});
      }
    }
  }

  /// "cam=fd:in.STAGE", and "cam=fd:in" where there is but one input.
  void name_ring_in(std::string& word, Ring& ring) const {
    for (std::size_t from = 0;;) {
      const auto found = find_placeholder(word, from);
      if (!found) return;
      from = found->at + found->length;
      const bool only = found->stage.empty() && stage(ring.to).from.size() == 1;
      if (found->output || (found->stage != stage(ring.from).name && !only)) continue;
      const std::size_t begin = found->at - std::string_view("fd:").size();
      if (word.compare(begin, 3, "fd:") != 0) continue;
      word.replace(begin, found->at + found->length - begin, ring.name);
      ring.named = true;
      return;
    }
  }

  bool paired(std::size_t from, std::size_t to) const {
    if (stage(to).link != Link::automatic) return stage(to).link == Link::paired;
    return (ours(from, {"camgrab", "camenc"}) && without_marks(option_value(stage(from), "--output-format"))) ||
           (ours(to, {"camenc", "camserve", "camrec"}) && without_marks(option_value(stage(to), "--input-format")));
  }

  /// Sinks first; a circle has no order.
  void order() {
    std::vector<int> open(chain_.stages.size());
    for (const Edge& edge : wiring_.edges) ++open[edge.from];
    while (wiring_.start_order.size() < chain_.stages.size()) {
      // The last of the file first: what is written behind is nearer to the sink.
      std::size_t next = chain_.stages.size();
      for (std::size_t i = chain_.stages.size(); i-- > 0;) {
        if (open[i] == 0) {
          next = i;
          break;
        }
      }
      if (next == chain_.stages.size()) refuse_circle(open);
      open[next] = -1;
      wiring_.start_order.push_back(next);
      for (const Edge& edge : wiring_.edges) {
        if (edge.to == next) --open[edge.from];
      }
    }
  }

  [[noreturn]] void refuse_circle(const std::vector<int>& open) const {
    std::vector<std::string> names;
    std::size_t first = 0;
    for (std::size_t i = open.size(); i-- > 0;) {
      if (open[i] > 0) names.push_back(stage(i).name), first = i;
    }
    std::ranges::reverse(names);
    refuse(first, at(stage(first).from_at, 0),
           fmt::format("from: goes in a circle through {}", fmt::join(names, ", ")));
  }

  void check_connected(std::size_t i) const {
    const bool feeds =
        writes_ring(i) || std::ranges::any_of(wiring_.edges, [&](const Edge& edge) { return edge.from == i; });
    const bool fed = !stage(i).from.empty();
    if (chain_.stages.size() > 1 && !feeds && !fed && !names_ring(stage(i))) {
      refuse(i, {}, "is connected with no other stage: add from:, or make it a chain of its own");
    }
    if (!fed && ours(i, {"camenc"}) && !has_option(stage(i), "-i", "--input"))
      refuse(i, {}, "camenc has nothing to read: add from: or -i");
    if (!feeds && ours(i, {"camgrab", "camenc"}) && !has_option(stage(i), "-o", "--output")) {
      refuse(i, {}, "nobody reads its output: add a stage with from: " + stage(i).name + ", or -o");
    }
    if (feeds && ours(i, {"camserve", "camrec", "camwatch"}))
      refuse(i, {}, "has no output that another stage could read");
  }

  /// Rings have no end: who reads one of them goes on when its pipes have ended.
  bool reads_rings(std::size_t i) const {
    if (ours(i, {"camserve"})) return names_ring(stage(i));
    return ours(i, {"camenc", "camrec"}) &&
           (option_value(stage(i), "-i").starts_with("shm:") || option_value(stage(i), "--input").starts_with("shm:"));
  }

  void wire(std::size_t i) {
    StageWiring& wired = wiring_.stages[i];
    wired.reads_rings = reads_rings(i);
    wired.argv = stage(i).cmd;
    name_rings(i);
    std::vector<std::size_t> inputs, outputs;  // not yet named by a word
    for (std::size_t e = 0; e < wiring_.edges.size(); ++e) {
      if (wiring_.edges[e].to == i) inputs.push_back(e);
      if (wiring_.edges[e].from == i) outputs.push_back(e);
    }
    const std::size_t consumers = outputs.size();
    int next = 3;
    for (std::size_t w = 1; w < wired.argv.size(); ++w) {
      for (std::size_t from = 0;;) {
        const auto found = find_placeholder(wired.argv[w], from);
        if (!found) break;
        const std::size_t edge = take(i, w, *found, found->output ? outputs : inputs);
        (found->output ? wired.outputs : wired.inputs).push_back({next, edge});
        const std::string number = std::to_string(next++);
        wired.argv[w].replace(found->at, found->length, number);
        from = found->at + number.size();
      }
    }
    wire_unnamed_inputs(i, inputs);
    wire_unnamed_outputs(i, outputs, consumers, next);
  }

  /// The edge that a placeholder means, taken out of `open`.
  std::size_t take(std::size_t i, std::size_t word, const Placeholder& found, std::vector<std::size_t>& open) const {
    const char* const what = found.output ? "out" : "in";
    const Position where = at(stage(i).cmd_at, word);
    if (found.stage.empty()) {
      if (open.empty())
        refuse(
            i, where,
            fmt::format("fd:{}: {}", what, found.output ? "no further stage reads it" : "no further stage in from:"));
      if (open.size() > 1)
        refuse(i, where, fmt::format("fd:{}: there are {}: write fd:{}.STAGE", what, open.size(), what));
      const std::size_t edge = open.front();
      open.clear();
      return edge;
    }
    const auto edge = std::ranges::find_if(open, [&](std::size_t e) {
      return stage(found.output ? wiring_.edges[e].to : wiring_.edges[e].from).name == found.stage;
    });
    if (edge == open.end()) {
      refuse(i, where,
             fmt::format("fd:{}.{}: no stage '{}' {}, or it is named twice", what, found.stage, found.stage,
                         found.output ? "that reads this one" : "in from:"));
    }
    const std::size_t taken = *edge;
    open.erase(edge);
    return taken;
  }

  void wire_unnamed_inputs(std::size_t i, const std::vector<std::size_t>& open) {
    if (open.size() > 1) {
      refuse(i, at(stage(i).from_at, 0),
             fmt::format("has several inputs: name them in cmd, as fd:in.{}",
                         stage(wiring_.edges[open.back()].from).name));
    }
    if (!open.empty()) wiring_.stages[i].inputs.push_back({0, open.front()});
  }

  void wire_unnamed_outputs(std::size_t i, const std::vector<std::size_t>& open, std::size_t consumers, int next) {
    StageWiring& wired = wiring_.stages[i];
    if (open.empty()) return;
    const bool has_output = writes_ring(i) || has_option(stage(i), "-o", "--output");
    if (consumers == 1 && !(ours(i, {"camgrab", "camenc"}) && has_output)) {
      wired.outputs.push_back({1, open.front()});
      return;
    }
    if (!ours(i, {"camgrab", "camenc"})) {
      refuse(i, at(stage(i).cmd_at, 0),
             fmt::format("feeds {} stages: name each in cmd, as fd:out.{}", consumers,
                         stage(wiring_.edges[open.back()].to).name));
    }
    for (const std::size_t edge : open) {
      wired.argv.insert(wired.argv.end(), {"-o", fmt::format("fd:{}", next)});
      wired.outputs.push_back({next++, edge});
    }
  }

  const ChainConfig& chain_;
  const std::string& file_;
  Wiring wiring_;
  std::vector<Ring> rings_;
};

}  // namespace

Wiring plan_wiring(const ChainConfig& chain, const std::string& file) {
  return Planner(chain, file).plan();
}

std::string program_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace campipe::watch::config
