#pragma once
#include <string>

#include "base/error.hpp"
#include "options.hpp"

namespace campipe {

/// What may help against an error that ended camgrab before its first frame, as ": try this"; empty where the error
/// says it itself.
std::string remedy_for(const Error& error, const GrabOptions& options);

}  // namespace campipe
