#pragma once
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ring/survey.hpp"

namespace campipe {

/// One ring of a listing: what was seen of it, or why nothing can be.
struct Listed {
  std::string name;
  ring::Survey survey;  ///< when `error` is empty
  std::string error;
};

/// A line for each ring under a heading, columns aligned; "" for none.
std::string table_of(const std::vector<Listed>& rings);

/// Several lines about one ring.
std::string text_of(const ring::Survey& survey);

/// camring(1) describes the fields. What is not known is null.
nlohmann::ordered_json json_of(const ring::Survey& survey);
nlohmann::ordered_json json_of(const std::vector<Listed>& rings);

}  // namespace campipe
