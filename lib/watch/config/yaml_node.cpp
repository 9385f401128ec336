#include "watch/config/yaml_node.hpp"

#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include "base/units.hpp"

namespace campipe::watch::config {

namespace {

constexpr int kMaxNodes = 100'000;
constexpr auto kMaxDuration = std::chrono::hours(24);

Position position(const YAML::Mark& mark) {
  if (mark.is_null()) return {1, 1};
  return {mark.line + 1, mark.column + 1};
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  return fmt::format("'{}{}'", text.substr(0, kShown), text.size() > kShown ? "…" : "");
}

/// Only counts, and keeps where the last document began.
class Events : public YAML::EventHandler {
public:
  void OnDocumentStart(const YAML::Mark& mark) override { document_at = mark, count(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { count(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { count(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override {
    count(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    count(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    count(mark);
  }
  void OnMapEnd() override {}

  YAML::Mark document_at;

private:
  void count(const YAML::Mark& mark) {
    if (++events_ > kMaxNodes) throw YAML::ParserException(mark, "too much");
  }
  int events_ = 0;
};

/// What is probably meant by a complaint of yaml-cpp, which names the place where it noticed: "" or ": line 5 …".
/// Comments and quoted text are not told from the rest: it is a guess, behind the complaint.
std::string likely_cause(std::string_view text) {
  std::vector<std::pair<char, int>> open;
  int line = 1;
  bool indent = true;
  for (const char letter : text) {
    if (indent && letter == '\t') return fmt::format(": line {} is indented with a tab, and YAML wants blanks", line);
    indent = letter == '\n' || (indent && letter == ' ');
    if (letter == '\n') ++line;
    if (letter == '{' || letter == '[') open.emplace_back(letter, line);
    if ((letter == '}' || letter == ']') && !open.empty()) open.pop_back();
  }
  if (open.empty()) return {};
  return fmt::format(": '{}' of line {} is not closed", open.back().first, open.back().second);
}

}  // namespace

YamlNode::YamlNode(YAML::Node node, YamlDocument& document, std::string path, YAML::Mark fallback)
    : node_(std::move(node)), document_(&document), path_(std::move(path)), fallback_(fallback) {}

YamlNode YamlNode::load(const std::string& text, YamlDocument& document) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Events events;
    if (!parser.HandleNextDocument(events)) {
      throw ConfigError(document.file, {1, 1}, "the file is empty: it needs version: and chains:");
    }
    // One more at most: behind some broken text yaml-cpp finds empty documents without end, so its LoadAll() never
    // returns.
    if (parser.HandleNextDocument(events)) {
      throw ConfigError(document.file, position(events.document_at),
                        "a second document begins here: put everything into one");
    }
    return {YAML::Load(text), document, "", YAML::Mark()};
  } catch (const YAML::Exception& error) {
    throw ConfigError(document.file, position(error.mark), "not YAML: " + error.msg + likely_cause(text));
  }
}

Position YamlNode::at() const {
  const YAML::Mark mark = node_.Mark();
  return position(mark.is_null() ? fallback_ : mark);
}

void YamlNode::fail(std::string_view message) const {
  throw ConfigError(document_->file, at(),
                    path_.empty() ? std::string(message) : fmt::format("{}: {}", path_, message));
}

void YamlNode::count() const {
  if (++document_->visited > kMaxNodes) fail("too much: aliases that repeat themselves?");
}

const char* YamlNode::kind() const {
  if (node_.IsMap()) return "a map";
  if (node_.IsSequence()) return "a list";
  if (node_.IsScalar()) return "a single value";
  return "nothing";
}

void YamlNode::each(const std::function<void(const std::string&, const YamlNode&)>& visit) const {
  count();
  if (!node_.IsMap()) fail(fmt::format("needs a map (KEY: VALUE), has {}", kind()));
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const YamlNode key(entry.first, *document_, path_, node_.Mark());
    if (!entry.first.IsScalar()) key.fail("a key has to be a plain word");
    const std::string name = entry.first.Scalar();
    if (!seen.insert(name).second) key.fail(fmt::format("the key {} is there twice", quoted(name)));
    visit(name, YamlNode(entry.second, *document_, path_.empty() ? name : path_ + "." + name, entry.first.Mark()));
  }
}

void YamlNode::each_named(const std::function<void(const std::string&, Position, const YamlNode&)>& visit) const {
  each([&](const std::string& name, const YamlNode& value) {
    // The key's mark is the value's fallback: where the name stands.
    if (!is_name(name)) {
      throw ConfigError(document_->file, position(value.fallback_),
                        fmt::format("{}: {} is no name: use 1 to 64 letters, digits, _ and -", path_, quoted(name)));
    }
    visit(name, position(value.fallback_), value);
  });
}

std::string YamlNode::text() const {
  count();
  if (!node_.IsScalar()) fail(fmt::format("needs a single value, has {}", kind()));
  const std::string& value = node_.Scalar();
  if (value.find('\0') != std::string::npos) fail("a NUL byte in it");
  return value;
}

std::string YamlNode::non_empty_text() const {
  std::string value = text();
  if (value.empty()) fail("is empty");
  return value;
}

bool YamlNode::boolean() const {
  const std::string value = text();
  if (value == "true" || value == "yes") return true;
  if (value == "false" || value == "no") return false;
  fail(fmt::format("cannot use {}: true or false", quoted(value)));
}

std::int64_t YamlNode::integer(std::int64_t min, std::int64_t max) const {
  const std::string value = text();
  const auto number = parse_integer(value, min, max);
  if (!number) fail(fmt::format("cannot use {}: a whole number from {} to {}", quoted(value), min, max));
  return *number;
}

double YamlNode::number(double min, double max) const {
  const std::string value = text();
  try {
    const double parsed = node_.as<double>();
    if (parsed >= min && parsed <= max) return parsed;
  } catch (const YAML::Exception&) {
    // told below
  }
  fail(fmt::format("cannot use {}: a number from {} to {}", quoted(value), min, max));
}

Duration YamlNode::duration() const {
  const std::string value = text();
  // A bare number could mean anything; 0 is 0 in every unit.
  if (value == "0") return Duration(0);
  const auto parsed = parse_duration(value, Duration(0));
  if (!parsed || *parsed == Duration(0))
    fail(fmt::format("cannot use {}: write it like 250ms, 10s or 5m", quoted(value)));
  if (*parsed > kMaxDuration) fail(fmt::format("cannot use {}: at most 24h", quoted(value)));
  return *parsed;
}

std::int64_t YamlNode::bytes(std::int64_t min) const {
  const std::string value = text();
  const auto parsed = parse_bytes(value);
  if (!parsed) fail(fmt::format("cannot use {}: write it like 8MiB or 512k", quoted(value)));
  if (*parsed < min) fail(fmt::format("cannot use {}: at least {}", quoted(value), format_bytes(min)));
  return *parsed;
}

std::size_t YamlNode::one_of(const std::vector<std::string_view>& words) const {
  const std::string value = text();
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == value) return i;
  }
  fail(fmt::format("cannot use {}: one of {}", quoted(value), fmt::join(words, ", ")));
}

std::vector<YamlNode> YamlNode::items() const {
  count();
  if (node_.IsScalar()) return {*this};
  if (!node_.IsSequence()) fail(fmt::format("needs a list [A, B], has {}", kind()));
  std::vector<YamlNode> all;
  for (const auto& item : node_) {
    all.emplace_back(item, *document_, fmt::format("{}[{}]", path_, all.size()), node_.Mark());
    all.back().count();
  }
  return all;
}

void YamlNode::unknown_key(std::string_view known) const {
  throw ConfigError(document_->file, position(fallback_), fmt::format("{}: unknown key: there are {}", path_, known));
}

}  // namespace campipe::watch::config
