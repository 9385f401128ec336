#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace campipe::cli {

/// Columns that UTF-8 text takes on a terminal; every code point counts as one.
std::size_t columns(std::string_view text) noexcept;

/// `text` in lines of at most `width` columns, broken at spaces; a longer word has a line of its own. No line but the
/// first begins with a word that begins with '-': an option named in a sentence would look like an entry of the list.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// A shell command in lines of at most `width` columns, as wrapped(), each but the last with a backslash behind it.
std::vector<std::string> wrapped_command(std::string_view command, std::size_t width);

}  // namespace campipe::cli
