#include "watch/config/pipeline.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "watch/config/wiring.hpp"

namespace campipe::watch::config {

namespace {

constexpr std::size_t kMaxText = 65536;
constexpr std::size_t kMaxStages = 64;

[[noreturn]] void refuse(std::size_t at, const std::string& what) {
  throw Error(ExitCode::usage, fmt::format("pipeline:{}: {}", at + 1, what));
}

class Splitter {
public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<std::vector<std::string>> split() {
    for (; at_ < text_.size(); ++at_) step(text_[at_]);
    end_word();
    end_stage();
    return std::move(stages_);
  }

private:
  void step(char c) {
    if (c == '\0') refuse(at_, "a NUL byte");
    if (c == ' ' || c == '\t' || c == '\n') return end_word();
    if (c == '|') {
      end_word();
      return end_stage();
    }
    if (c == '\'') return single_quoted();
    if (c == '"') return double_quoted();
    if (c == '\\') return escaped();
    if (std::string_view(";&<>()`").find(c) != std::string_view::npos) {
      refuse(at_, fmt::format("'{}' is for a shell, and none is used: quote it when it belongs to a word", c));
    }
    if (c == '$') refuse(at_, "'$' is for a shell, and none is used: write the value, or quote it with '…'");
    if (c == '~' && !in_word_) refuse(at_, "'~' is for a shell, and none is used: write the folder out");
    put(c);
  }

  void put(char c) {
    in_word_ = true;
    word_ += c;
  }

  void single_quoted() {
    const std::size_t close = text_.find('\'', at_ + 1);
    if (close == std::string_view::npos) refuse(at_, "a ' that is not closed");
    in_word_ = true;
    word_ += text_.substr(at_ + 1, close - at_ - 1);
    if (word_.find('\0') != std::string::npos) refuse(at_, "a NUL byte");
    at_ = close;
  }

  void double_quoted() {
    const std::size_t open = at_;
    in_word_ = true;
    for (++at_; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '"') return;
      if (c == '$' || c == '`') refuse(at_, fmt::format("'{}' is for a shell, and none is used: quote it with '…'", c));
      if (c == '\0') refuse(at_, "a NUL byte");
      if (c == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) c = text_[++at_];
      word_ += c;
    }
    refuse(open, "a \" that is not closed");
  }

  void escaped() {
    if (++at_ == text_.size()) refuse(at_ - 1, "a \\ at the end");
    put(text_[at_]);
  }

  void end_word() {
    if (!in_word_) return;
    const bool first = words_.empty();
    const std::size_t equals = word_.find('=');
    if (first && equals != std::string::npos && word_.find('/') > equals) {
      refuse(at_ - word_.size(), fmt::format("'{}': to set a variable put env before it", word_.substr(0, equals + 1)));
    }
    words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  void end_stage() {
    if (words_.empty() || words_.front().empty()) refuse(std::min(at_, text_.size()), "a stage without a program");
    if (stages_.size() == kMaxStages) refuse(at_, fmt::format("at most {} stages", kMaxStages));
    stages_.push_back(std::move(words_));
    words_.clear();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_word_ = false;
  std::string word_;
  std::vector<std::string> words_;
  std::vector<std::vector<std::string>> stages_;
};

std::string stage_name(const ChainConfig& chain, const std::string& program) {
  std::string base = program_name(program).substr(0, 60);
  std::ranges::replace_if(base, [](char c) { return !is_name(std::string_view(&c, 1)); }, '-');
  if (base.empty()) base = "stage";
  std::string name = base;
  for (int n = 2; std::ranges::find(chain.stages, name, &StageConfig::name) != chain.stages.end(); ++n) {
    name = fmt::format("{}-{}", base, n);
  }
  return name;
}

}  // namespace

Config parse_pipeline(std::string_view text) {
  if (text.size() > kMaxText) refuse(0, "too long");
  ChainConfig chain{.name = "main", .stages = {}, .at = {}};
  for (auto& words : Splitter(text).split()) {
    StageConfig stage;
    stage.name = stage_name(chain, words.front());
    if (!chain.stages.empty()) stage.from = {chain.stages.back().name};
    stage.cmd = std::move(words);
    stage.restart.when = RestartPolicy::When::on_failure;
    chain.stages.push_back(std::move(stage));
  }
  try {
    plan_wiring(chain, "pipeline");
  } catch (const ConfigError& error) {
    const std::string_view message = error.what();
    throw Error(ExitCode::usage, fmt::format("pipeline: {}", message.substr(message.find(": ") + 2)));
  }
  Config config;
  config.chains.push_back(std::move(chain));
  return config;
}

}  // namespace campipe::watch::config
