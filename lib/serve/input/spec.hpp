#pragma once
#include <string>
#include <string_view>

#include "wire/endpoint.hpp"

namespace campipe::serve::input {

/// An input of the command line: [NAME[/RENDITION]=]ENDPOINT.
struct Spec {
  std::string name = "cam";
  std::string rendition;
  wire::Endpoint endpoint;
  /// shm:PATTERN: each ring of such a name is an input, called by its own name.
  bool is_pattern = false;
};

/// What the stream of a ring is called: the ring's name up to its dot.
std::string stream_name_of(std::string_view ring);

/// Without a NAME: the ring's name up to its dot, else "cam". A "=" in a path counts only behind a "/" or "." as first
/// character ("./a=b"). Throws Error(usage) when a name is none, stands before a pattern, or the endpoint is not of the
/// grammar.
Spec parse_spec(std::string_view text);

}  // namespace campipe::serve::input
