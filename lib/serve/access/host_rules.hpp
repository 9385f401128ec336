#pragma once
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace campipe::serve::access {

/// The names by which this machine is known to itself: its host name, that name's first label, the same below .local
/// (mDNS), and the full names that /etc/hosts gives it. In lower case. Asks no name server.
std::vector<std::string> own_names();

/// By which names a server may be asked. A page of another site can have its own name resolve to our address (DNS
/// rebinding) and then read what we answer as if it were its own; the name in its requests is what gives it away.
///
/// Always right are addresses, localhost and names below it, names without a dot, which no site on the Internet has,
/// and own_names(). For the loop's thread.
class HostRules {
public:
  using Names = std::function<std::vector<std::string>()>;

  /// @param allowed  other names, "cam.example.org" or "*.example.org" for all names below it; see parse_rule().
  /// @param own      asked at first and, as a machine may be renamed, for a name that is not known, once in 10 s at
  /// most.
  explicit HostRules(std::vector<std::string> allowed = {}, Names own = own_names);

  /// @param host    as net::host_of_authority() gives it.
  /// @param now_ms  of any clock that goes on.
  bool accepts(const std::string& host, std::int64_t now_ms);

private:
  bool known(const std::string& host) const;

  std::vector<std::string> allowed_;
  Names names_;
  std::set<std::string> own_;
  std::int64_t own_at_ms_ = 0;
  bool asked_ = false;
};

/// A name or "*.DOMAIN" of the command line in the form that HostRules takes. Throws Error: usage when it is neither.
std::string parse_rule(std::string_view text);

}  // namespace campipe::serve::access
