#pragma once
#include <string>

#include "watch/config/difference.hpp"

namespace campipe::watch::control {

/// The answer to `reload`: {"ok":true,"config":FILE,"added":[CHAIN…],"removed":[…],"restarted":[…],"adjusted":[…],
/// "still_stopped":[…],"unchanged":[…],"hooks":BOOL,"log":BOOL,"control":BOOL}
std::string to_json(const config::Difference& what, const std::string& file);

/// The same for people, a line for each kind of change. `json` is what to_json() made; fails with Error(protocol) when
/// it is not.
std::string list_of_changes(const std::string& json);

/// The same in one line: "garden started; yard ended", "nothing has changed".
std::string one_line(const config::Difference& what);

}  // namespace campipe::watch::control
