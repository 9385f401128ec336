#include <algorithm>

#include "cli/completion/scripts.hpp"

namespace campipe::cli::completion {

namespace {

constexpr const char* kFunctions = R"FISH(# fish completion for @TOOL@, made of its option table.

function __@TOOL@_rings # [PREFIX]
    set -l folder /dev/shm
    set -q CAMPIPE_RING_DIR; and set folder $CAMPIPE_RING_DIR
    for ring in $folder/campipe.*
        set -l name (string replace -r '.*/campipe\.' '' -- $ring)
        string match -qr '\.(ctl|new)$' -- $name; or printf '%s%s\tring\n' "$argv[1]" $name
    end
end

function __@TOOL@_endpoints # [input]: a ring as shm:NAME, or a file; of an input behind its NAME=
    set -l token (string replace -r '^--[a-z-]+=' '' -- (commandline -ct))
    set -l name
    test "$argv[1]" = input; and set name (string match -r '^[^=]*=' -- $token)
    set -l rest (string sub -s (math 1 + (string length -- "$name")) -- $token)
    if not string match -q 'shm:*' -- $rest # fish would look for files behind the colon
        for path in (__fish_complete_path $rest)
            printf '%s%s\n' "$name" $path
        end
    end
    __@TOOL@_rings "$name"shm:
end

)FISH";

/// In fish's single quotes only \\ and \' are escapes.
std::string fish_quoted(const std::string& text) {
  std::string doubled;
  for (const char c : text) {
    if (c == '\\') doubled += '\\';
    doubled += c;
  }
  return single_quoted(doubled, "\\'");
}

/// What completes a value, as options of `complete`.
std::string candidates(const Value& value) {
  std::vector<std::string> words = value.words;
  if (value.kind == Kind::ring) words.emplace_back("(__@TOOL@_rings)");
  if (value.kind == Kind::endpoint) words.emplace_back("(__@TOOL@_endpoints)");
  if (value.kind == Kind::input) words.emplace_back("(__@TOOL@_endpoints input)");
  if (value.kind == Kind::folder) words.emplace_back("(__fish_complete_directories)");
  if (value.kind == Kind::group) words.emplace_back("(__fish_complete_groups)");
  return words.empty() ? "" : " -a " + fish_quoted(joined(words, " "));
}

std::string line(const Option& option, const std::string& condition) {
  std::string out = "complete -c @TOOL@" + condition;
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.takes_value) out += (option.value.kind == Kind::file ? " -r -F" : " -x") + candidates(option.value);
  return out + " -d " + fish_quoted(option.help) + "\n";
}

std::string lines(const Command& command, const std::string& condition) {
  std::string out;
  for (const Option& option : command.options)
    if (!option.inherited) out += line(option, condition);
  for (const Argument& argument : command.arguments) {
    const std::string found = candidates(argument.value);
    if (!found.empty()) out += "complete -c @TOOL@" + condition + found + "\n";
  }
  return out;
}

}  // namespace

std::string fish(const Command& tool) {
  std::string out = kFunctions;
  const auto takes_files = [](const Argument& argument) { return argument.value.kind == Kind::file; };
  if (std::ranges::none_of(tool.arguments, takes_files)) out += "complete -c @TOOL@ -f\n";
  out += lines(tool, "");
  for (const Command& command : tool.commands) {
    out += "complete -c @TOOL@ -n __fish_use_subcommand -a " + command.name + " -d " + fish_quoted(command.help) + "\n";
    out += lines(command, " -n " + fish_quoted("__fish_seen_subcommand_from " + command.name));
  }
  return for_tool(out, tool.name);
}

}  // namespace campipe::cli::completion
