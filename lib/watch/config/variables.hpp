#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "watch/config/config.hpp"

namespace campipe::watch::config {

/// A chain's own word for a template.
struct Variable {
  std::string value;
  Position at;
  bool used = false;
};

/// `text` with each ${name} replaced and $$ as one $. What is used of `variables` is marked so. `fail` is told what is
/// wrong and must throw: an unknown name, a $ that starts nothing (there is no shell to expand it).
std::string expand_text(std::string_view text, std::map<std::string, Variable>& variables,
                        const std::map<std::string, std::string>& fixed,
                        const std::function<void(const std::string&)>& fail);

/// [A-Za-z_][A-Za-z0-9_]*
bool is_variable_name(std::string_view text) noexcept;

/// A file's text. Throws Error: cannot be read, no regular file, over `limit` bytes.
std::string read_text_file(const std::string& path, std::size_t limit);

}  // namespace campipe::watch::config
