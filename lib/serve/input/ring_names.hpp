#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.hpp"
#include "ring/kernel/name_watch.hpp"

namespace campipe::serve::input {

/// Follows the rings whose names match patterns, as they come and go. For the loop's thread.
class RingNames {
public:
  /// Called from the loop, never from a call to this.
  struct Events {
    std::function<void(const std::string& name)> on_there;  ///< new, or another object or other rights than before
    std::function<void(const std::string& name)> on_gone;
  };

  RingNames(net::Loop& loop, std::vector<std::string> patterns, Events events);

  /// Tells what is there now, and what changes from now on.
  void start();

  /// Those of the patterns that match no ring; none before the first look.
  std::vector<std::string> unmatched() const;

private:
  /// What tells two objects of one name apart, and a change of rights.
  struct Identity {
    std::uint64_t inode = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Identity&) const = default;
  };
  static std::optional<Identity> identity_of(const std::string& name);
  void changed();
  void look();
  void look_again();

  std::vector<std::string> patterns_;
  Events tell_;
  ring::kernel::NameWatch names_;
  std::map<std::string, Identity> there_;
  bool looked_ = false;
  net::Timer settle_;
  std::optional<net::Watch> watch_;
};

}  // namespace campipe::serve::input
