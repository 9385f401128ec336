#include "cli/completion/scripts.hpp"

namespace campipe::cli::completion {

std::optional<std::string> script(std::string_view shell, const Command& tool) {
  if (shell == "bash") return bash(tool);
  if (shell == "zsh") return zsh(tool);
  if (shell == "fish") return fish(tool);
  return std::nullopt;
}

std::string for_tool(std::string text, const std::string& tool) {
  constexpr std::string_view kMark = "@TOOL@";
  for (std::size_t at = 0; (at = text.find(kMark, at)) != std::string::npos; at += tool.size())
    text.replace(at, kMark.size(), tool);
  return text;
}

std::string single_quoted(std::string_view text, std::string_view quote) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += quote;
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

}  // namespace campipe::cli::completion
