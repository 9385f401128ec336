#include "cli/wrap.hpp"

#include <algorithm>

namespace campipe::cli {

namespace {

constexpr std::string_view kSpaces = " \n\t";

/// The words of `text`; one that begins with '-' stays with the word before it.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t begin = text.find_first_not_of(kSpaces); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpaces, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (word.front() == '-' && !words.empty()) {
      words.back().append(" ").append(word);
    } else {
      words.emplace_back(word);
    }
    begin = text.find_first_not_of(kSpaces, end);
  }
  return words;
}

std::vector<std::string> filled(const std::vector<std::string>& words, std::size_t width) {
  std::vector<std::string> lines;
  for (const std::string& word : words) {
    if (!lines.empty() && columns(lines.back()) + 1 + columns(word) <= width) {
      lines.back().append(" ").append(word);
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

}  // namespace

std::size_t columns(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  return filled(words_of(text), width);
}

std::vector<std::string> wrapped_command(std::string_view command, std::size_t width) {
  if (columns(command) <= width) return {std::string(command)};
  constexpr std::size_t kBackslash = 2;
  std::vector<std::string> lines = filled(words_of(command), width - kBackslash);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) lines[i] += " \\";
  return lines;
}

}  // namespace campipe::cli
