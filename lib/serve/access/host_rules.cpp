#include "serve/access/host_rules.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.hpp"
#include "net/authority.hpp"

namespace campipe::serve::access {

namespace {

constexpr std::int64_t kAskAgainMs = 10'000;
constexpr int kMaxHostsLines = 10'000;

bool is_localhost(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");
}

bool fits(std::string_view rule, std::string_view host) {
  if (!rule.starts_with("*.")) return host == rule;
  const std::string_view suffix = rule.substr(1);  // with its dot
  return host.size() > suffix.size() && host.ends_with(suffix);
}

/// Adds all names of the lines that have `name` in them.
void add_aliases(const std::string& name, std::vector<std::string>& names) {
  std::ifstream file("/etc/hosts");
  std::string line;
  for (int i = 0; i < kMaxHostsLines && std::getline(file, line); ++i) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::vector<std::string> found;
    std::string word;
    words >> word;  // the address
    while (words >> word) {
      if (auto host = net::host_of_authority(word)) found.push_back(std::move(*host));
    }
    if (std::ranges::find(found, name) != found.end()) names.insert(names.end(), found.begin(), found.end());
  }
}

}  // namespace

std::vector<std::string> own_names() {
  std::array<char, 256> text{};
  if (::gethostname(text.data(), text.size() - 1) != 0) return {};
  const auto name = net::host_of_authority(text.data());
  if (!name) return {};
  const std::string label = name->substr(0, name->find('.'));
  std::vector<std::string> names{*name, label, label + ".local"};
  add_aliases(*name, names);
  return names;
}

HostRules::HostRules(std::vector<std::string> allowed, Names own)
    : allowed_(std::move(allowed)), names_(std::move(own)) {}

bool HostRules::known(const std::string& host) const {
  return own_.contains(host) || std::ranges::any_of(allowed_, [&](const auto& rule) { return fits(rule, host); });
}

bool HostRules::accepts(const std::string& host, std::int64_t now_ms) {
  if (host.find('.') == std::string::npos || is_localhost(host) || net::is_literal_address(host)) return true;
  if (known(host)) return true;
  if (asked_ && now_ms - own_at_ms_ < kAskAgainMs) return false;
  asked_ = true;
  own_at_ms_ = now_ms;
  const auto names = names_();
  own_ = {names.begin(), names.end()};
  return known(host);
}

std::string parse_rule(std::string_view text) {
  const std::string_view name = text.starts_with("*.") ? text.substr(2) : text;
  const auto host = net::host_of_authority(name);
  if (!host || name.find_first_of("@:[]") != std::string_view::npos)
    throw Error(
        ExitCode::usage,
        fmt::format("--host: '{}' is no name like cam.example.org or *.example.org (other alphabets as xn--…; no "
                    "scheme, no port)",
                    text));
  return (text.starts_with("*.") ? "*." : "") + *host;
}

}  // namespace campipe::serve::access
