#pragma once
#include <string>

namespace campipe {

/// ": the folder X is missing" for the uppermost folder of `path` that is not there; empty when all are.
std::string missing_folder(const std::string& path);

}  // namespace campipe
