#pragma once
#include <string>

#include "watch/config/config.hpp"

namespace campipe::watch::check {

/// Something that is wrong with a configuration although it can be read.
struct Finding {
  config::Position at;
  std::string message;      ///< "CHAIN/STAGE: what", passwords in URLs hidden
  bool is_warning = false;  ///< it may be meant, or cannot be known from here
};

}  // namespace campipe::watch::check
