#include "base/nearest.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <utility>

namespace campipe {

namespace {

constexpr std::size_t kMostLetters = 64, kMostWrong = 3;
constexpr std::size_t kMostWords = 10'000;  // a folder may hold any number of rings

char lower(char letter) noexcept {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

/// Letters to change, add, leave out or swap with their neighbour to make `b` of `a`: the optimal string alignment
/// distance, by rows. Neither is longer than kMostLetters.
std::size_t distance(std::string_view a, std::string_view b) noexcept {
  using Row = std::array<std::size_t, kMostLetters + 1>;
  Row before{}, last{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + changed});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view text, std::span<const std::string> words) {
  if (text.size() > kMostLetters) return {};
  std::string best;
  std::size_t least = std::min(kMostWrong, text.size() / 3) + 1;
  for (const std::string& word : words.first(std::min(words.size(), kMostWords))) {
    if (word.empty() || word.size() > kMostLetters) continue;
    const std::size_t wrong = distance(text, word);
    if (wrong >= least) continue;
    least = wrong;
    best = word;
  }
  return best;
}

std::string did_you_mean(std::string_view text, std::span<const std::string> words, std::string_view before) {
  const std::string word = nearest(text, words);
  return word.empty() ? word : ": did you mean " + std::string(before) + word + "?";
}

std::string listed(std::span<const std::string> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace campipe
