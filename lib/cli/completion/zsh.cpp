#include <fmt/format.h>

#include "cli/completion/scripts.hpp"

namespace campipe::cli::completion {

namespace {

constexpr const char* kFunctions = R"ZSH(
_@TOOL@_rings() { # [PREFIX]
  local expl rings
  rings=(${CAMPIPE_RING_DIR:-/dev/shm}/campipe.*(N:t))
  rings=(${${rings#campipe.}:#*.(ctl|new)})
  _wanted rings expl ring compadd -- $1${^rings}
}

_@TOOL@_endpoint() {
  _alternative 'rings:ring: _@TOOL@_rings shm:' 'files:file:_files'
}

_@TOOL@_input() {
  compset -P '*='
  _@TOOL@_endpoint
}

_@TOOL@ "$@"
)ZSH";

/// What _arguments takes as part of a spec: its separators escaped.
std::string escaped(const std::string& text, std::string_view separators) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || separators.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string function_of(Kind kind) {
  switch (kind) {
    case Kind::file:
      return "_files";
    case Kind::folder:
      return "_files -/";
    case Kind::ring:
      return " _@TOOL@_rings";  // a space: without the options for compadd that others get
    case Kind::endpoint:
      return "_@TOOL@_endpoint";
    case Kind::input:
      return "_@TOOL@_input";
    case Kind::group:
      return "_groups";
    default:
      return "";
  }
}

/// ":MESSAGE:ACTION"
std::string action(const Value& value) {
  const std::string words = joined(value.words, " "), function = function_of(value.kind);
  const std::string head = ":" + escaped(value.name, ":") + ":";
  if (words.empty()) return head + (function.empty() ? " " : function);
  if (function.empty()) return head + "(" + words + ")";
  return fmt::format("{}{{_alternative \"words:word:({})\" \"files:file:{}\"}}", head, words, function);
}

std::string spec(const Option& option, const std::string& spelling) {
  const bool is_long = spelling.starts_with("--");
  std::string out = option.repeats ? "*" : option.names.size() > 1 ? "(" + joined(option.names, " ") + ")" : "";
  out += spelling;
  if (option.takes_value) out += is_long ? "=" : "+";
  out += "[" + escaped(option.help, "[]") + "]";
  if (option.takes_value) out += action(option.value);
  return single_quoted(out);
}

/// The specs of a command, each on a line that goes on.
std::string specs(const Command& command, const std::string& indent) {
  std::string out;
  for (const Option& option : command.options) {
    for (const std::string& spelling : option.names) out += " \\\n" + indent + spec(option, spelling);
  }
  for (const Argument& argument : command.arguments)
    out += " \\\n" + indent + single_quoted((argument.repeats ? "*" : "") + action(argument.value));
  return out;
}

std::string commands_branch(const Command& tool) {
  std::string out = "    command)\n      commands=(\n";
  for (const Command& command : tool.commands)
    out += "        " + single_quoted(command.name + ":" + escaped(command.help, ":")) + "\n";
  return out + "      )\n      _describe -t commands command commands && ret=0\n      ;;\n";
}

std::string with_commands(const Command& tool) {
  std::string out = "_@TOOL@() {\n  local curcontext=$curcontext state line ret=1\n  local -a commands\n";
  out += "  typeset -A opt_args\n  _arguments -C -s -S" + specs(tool, "    ");
  out += " \\\n    '1: :->command' \\\n    '*:: :->argument' && ret=0\n  case $state in\n" + commands_branch(tool);
  out += "    argument)\n      case $words[1] in\n";
  for (const Command& command : tool.commands) {
    out += "        " + command.name + ")\n          _arguments -s -S" + specs(command, "            ");
    out += " && ret=0\n          ;;\n";
  }
  return out + "      esac\n      ;;\n  esac\n  return ret\n}\n";
}

}  // namespace

std::string zsh(const Command& tool) {
  std::string out = "#compdef @TOOL@\n# Made of the option table of @TOOL@.\n\n";
  if (tool.commands.empty()) {
    out += "_@TOOL@() {\n  local curcontext=$curcontext state line\n  typeset -A opt_args\n  _arguments -s -S";
    out += specs(tool, "    ") + "\n}\n";
  } else {
    out += with_commands(tool);
  }
  return for_tool(out + kFunctions, tool.name);
}

}  // namespace campipe::cli::completion
