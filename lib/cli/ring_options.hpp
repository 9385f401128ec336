#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "cli/app.hpp"
#include "ring/write/writer.hpp"

namespace campipe::cli {

/// --ring-mode, --ring-group, --ring-slots, --ring-size, --on-demand and --linger of the tools that make rings.
class RingOptions {
public:
  void add_to(App& app);

  /// After parsing. Throws Error(usage) for what cannot be, and for any of them when no output is a ring.
  ring::write::Writer::Options settle(App& app, const std::vector<std::string>& outputs) const;

  bool on_demand() const noexcept { return on_demand_; }
  std::chrono::nanoseconds linger() const noexcept { return linger_; }

private:
  std::string mode_ = "0660", group_;
  std::int64_t slots_ = 8, size_bytes_ = 0;
  bool on_demand_ = false;
  std::chrono::nanoseconds linger_{std::chrono::seconds(5)};
};

}  // namespace campipe::cli
