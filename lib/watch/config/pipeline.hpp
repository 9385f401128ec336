#pragma once
#include <string>
#include <string_view>

#include "watch/config/config.hpp"

namespace campipe::watch::config {

/// 'camgrab pattern | camenc | camserve' as a configuration of one chain "main" that ends when its source ends well
/// (restart: on-failure). Words as a shell's: blanks between them, '…', "…" with \" and \\, \ before any character.
/// What only a shell could do is refused: ; & < > ( ) ` $ and the like. Stages are called after their programs
/// ("camenc-2"). Throws Error(usage) "pipeline:COLUMN: …".
Config parse_pipeline(std::string_view text);

}  // namespace campipe::watch::config
