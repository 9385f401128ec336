#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "watch/config/config.hpp"

/// Typed access to YAML with the position in every message. For the configuration's .cpp files only.
namespace campipe::watch::config {

/// What all nodes of one file share.
struct YamlDocument {
  std::string file;
  int visited = 0;  ///< nodes looked at: aliases can make a small file endless
};

/// A node and what messages call it ("chains.front.stages.enc.cmd"). Each access fails with ConfigError.
class YamlNode {
public:
  YamlNode(YAML::Node node, YamlDocument& document, std::string path, YAML::Mark fallback);

  /// Parses one document. Throws ConfigError.
  static YamlNode load(const std::string& text, YamlDocument& document);

  const std::string& path() const noexcept { return path_; }
  Position at() const;
  [[noreturn]] void fail(std::string_view message) const;

  /// Calls `visit` for each entry in the order of the file; keys are text and differ.
  void each(const std::function<void(const std::string& key, const YamlNode& value)>& visit) const;
  /// As each(), where the keys are names (is_name) of things; `at` is the key's position.
  void each_named(const std::function<void(const std::string& name, Position at, const YamlNode& value)>& visit) const;

  std::string text() const;
  std::string non_empty_text() const;
  bool boolean() const;
  std::int64_t integer(std::int64_t min, std::int64_t max) const;
  double number(double min, double max) const;
  Duration duration() const;  ///< a unit is needed, except for 0; at most a day
  std::int64_t bytes(std::int64_t min) const;
  /// The index of the text in `words`.
  std::size_t one_of(const std::vector<std::string_view>& words) const;

  bool is_sequence() const { return node_.IsSequence(); }
  bool is_scalar() const { return node_.IsScalar(); }
  /// The items of a sequence, or a single scalar as the only one.
  std::vector<YamlNode> items() const;

  /// Fails: an unknown key, with the keys there are.
  [[noreturn]] void unknown_key(std::string_view known) const;

private:
  void count() const;
  const char* kind() const;

  YAML::Node node_;
  YamlDocument* document_;
  std::string path_;
  YAML::Mark fallback_;
};

}  // namespace campipe::watch::config
