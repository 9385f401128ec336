#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "cli/completion/table.hpp"

namespace campipe::cli::completion {

/// Each is a whole file, as share/bash-completion/completions/TOOL, share/zsh/site-functions/_TOOL and
/// share/fish/vendor_completions.d/TOOL.fish are.
std::string bash(const Command& tool);
std::string zsh(const Command& tool);
std::string fish(const Command& tool);

/// By the shell's name; nothing for another shell.
std::optional<std::string> script(std::string_view shell, const Command& tool);

/// `text` with all `@TOOL@` replaced.
std::string for_tool(std::string text, const std::string& tool);

/// `text` in single quotes, each ' in it written as `quote`.
std::string single_quoted(std::string_view text, std::string_view quote = "'\\''");

/// `words` with `separator` between them.
std::string joined(const std::vector<std::string>& words, std::string_view separator);

}  // namespace campipe::cli::completion
