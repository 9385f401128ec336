#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

/// Exceptions that end the client, input or service whose callback threw them, and nothing else. Thread-safe.
namespace campipe::faults {

/// Counts the exception being handled as a fault of `kind` ("http connection") and logs it: the first of its kind at
/// once, the next ones at most once a minute with how many there were. Only inside a catch block.
void note(std::string_view kind) noexcept;

/// How many faults of each kind there were since the start.
std::map<std::string, std::uint64_t> counts();

/// Runs `body`; false when it threw, which note() has logged. std::bad_alloc is no exception to this.
template <class Body>
bool contain(std::string_view kind, Body&& body) noexcept {
  try {
    body();
    return true;
  } catch (...) {
    note(kind);
    return false;
  }
}

/// The same, and then runs `cure`, which ends whatever threw. The cure's own exceptions are noted, too.
template <class Body, class Cure>
void contain(std::string_view kind, Body&& body, Cure&& cure) noexcept {
  if (!contain(kind, body)) contain(kind, cure);
}

}  // namespace campipe::faults
