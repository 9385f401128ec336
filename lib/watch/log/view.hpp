#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace campipe::watch::log {

/// What `camwatch logs` shows.
struct Request {
  std::string dir;
  std::string chain;  ///< empty = all
  std::string stage;  ///< empty = all of the chain
  std::int64_t lines = 50;
  bool follow = false;
  int stop_fd = -1;  ///< readable = follow no longer; borrowed
};

/// Prints the last lines of the chains' logs in the order of their times, and goes on with new ones while `follow`.
/// `print` gets one line without its end and answers whether more is wanted. Throws Error(no_input) when there is no
/// such log.
void show_logs(const Request& request, const std::function<bool(std::string_view)>& print);

}  // namespace campipe::watch::log
