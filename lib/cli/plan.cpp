#include "cli/plan.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/error.hpp"

namespace campipe::cli {

namespace {

using Items = std::vector<std::string> Plan::*;

constexpr std::array<std::pair<std::string_view, Items>, 4> kKinds{
    {{"input", &Plan::inputs}, {"output", &Plan::outputs}, {"folder", &Plan::folders}, {"listen", &Plan::listens}}};
constexpr std::string_view kWaits = "waits";

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size() || (text[i] != '\\' && text[i] != 'n')) return std::nullopt;
    out += text[i] == 'n' ? '\n' : '\\';
  }
  return out;
}

bool add(Plan& plan, std::string_view line) {
  if (line == kWaits) return plan.waits = true;
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return false;
  const auto* const kind = std::ranges::find(kKinds, line.substr(0, blank), [](const auto& one) { return one.first; });
  auto value = unescaped(line.substr(blank + 1));
  if (kind == kKinds.end() || !value) return false;
  (plan.*kind->second).push_back(std::move(*value));
  return true;
}

}  // namespace

std::string to_text(const Plan& plan) {
  std::string text;
  for (const auto& [kind, items] : kKinds) {
    for (const std::string& value : plan.*items) text += std::string(kind) + " " + escaped(value) + "\n";
  }
  if (plan.waits) text += std::string(kWaits) + "\n";
  return text;
}

std::optional<Plan> parse_plan(std::string_view text) {
  Plan plan;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || !add(plan, text.substr(0, end))) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return plan;
}

int print(const Plan& plan) {
  const std::string text = to_text(plan);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw Error(ExitCode::io_error, "stdout: cannot write");
  return 0;
}

}  // namespace campipe::cli
