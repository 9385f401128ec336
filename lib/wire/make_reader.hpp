#pragma once
#include <memory>
#include <string>

#include "base/fd.hpp"
#include "wire/stream/reader.hpp"

namespace campipe::wire {

/// @param name  What messages call the input: "stdin", a path. Takes `fd` over. Recognising waits for the first bytes
/// in
///              the first next(), not here. Throws Error(usage) for an input_format that is not of the grammar.
std::unique_ptr<stream::Reader> make_reader(Fd fd, std::string name, stream::ReadOptions options);

}  // namespace campipe::wire
