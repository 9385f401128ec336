#include <fmt/format.h>

#include "cli/completion/scripts.hpp"

namespace campipe::cli::completion {

namespace {

// Needs nothing of the bash-completion package but the folder that it loads from.
constexpr const char* kFunctions = R"BASH(
# Adds of the words after HEAD and VALUE those that begin with VALUE, with HEAD in front.
_@TOOL@_words() {
  local head=$1 value=$2 word
  for word in "${@:3}"; do
    if [[ $word == "$value"* ]]; then COMPREPLY+=("$head$word"); fi
  done
}

# The rings of this machine, a name a line.
_@TOOL@_rings() {
  local ring
  compgen -G "${CAMPIPE_RING_DIR:-/dev/shm}/campipe.*" | while read -r ring; do
    ring=${ring##*/campipe.}
    case $ring in *.ctl | *.new) ;; *) printf '%s\n' "$ring" ;; esac
  done
}

# HEAD VALUE -f|-d: files or folders
_@TOOL@_files() {
  local found
  while read -r found; do
    COMPREPLY+=("$1$found")
    compopt -o filenames 2>/dev/null
  done < <(compgen "$3" -- "$2")
  # What is quoted or has spaces in it readline knows better.
  if [[ ${#COMPREPLY[@]} == 0 ]]; then compopt -o default 2>/dev/null; fi
}

# HEAD VALUE: a ring as shm:NAME, or a file
_@TOOL@_endpoint() {
  if [[ $2 == shm:* ]]; then
    _@TOOL@_words "$1shm:" "${2#shm:}" $(_@TOOL@_rings)
    return
  fi
  _@TOOL@_files "$1" "$2" -f
  if [[ shm: == "$2"* && -n $(_@TOOL@_rings) ]]; then
    COMPREPLY+=("$1shm:")
    compopt -o nospace 2>/dev/null
  fi
}

# HEAD VALUE KIND WORD...: the values of an option or argument
_@TOOL@_values() {
  _@TOOL@_words "$1" "$2" "${@:4}"
  case $3 in
    file) _@TOOL@_files "$1" "$2" -f ;;
    folder) _@TOOL@_files "$1" "$2" -d ;;
    ring) _@TOOL@_words "$1" "$2" $(_@TOOL@_rings) ;;
    endpoint) _@TOOL@_endpoint "$1" "$2" ;;
    input)
      if [[ $2 == *=* ]]; then _@TOOL@_endpoint "$1${2%%=*}=" "${2#*=}"; else _@TOOL@_endpoint "$1" "$2"; fi
      ;;
    group) _@TOOL@_words "$1" "$2" $(compgen -g) ;;
  esac
}

# Words become "WORD  its help" where bash only lists them, from the pairs WORD HELP.
_@TOOL@_explain() {
  local -A help=()
  local i
  if [[ ${COMP_TYPE:-0} != 63 || ${#COMPREPLY[@]} -lt 2 ]]; then return; fi
  while [[ $# -gt 1 ]]; do
    help[$1]=$2
    shift 2
  done
  for i in "${!COMPREPLY[@]}"; do
    printf -v "COMPREPLY[i]" '%-20s %s' "${COMPREPLY[i]}" "${help[${COMPREPLY[i]}]}"
    COMPREPLY[i]=${COMPREPLY[i]:0:${COLUMNS:-80}-1}
  done
}

# The words from PAIR... that begin with CURRENT
_@TOOL@_offer() {
  local current=$1 i
  local pairs=("${@:2}")
  for ((i = 0; i < ${#pairs[@]}; i += 2)); do _@TOOL@_words '' "$current" "${pairs[i]}"; done
  _@TOOL@_explain "${pairs[@]}"
}

_@TOOL@() {
  local words=() glue='' i command='' current previous head='' mark
  COMPREPLY=()
  # bash splits words at = and : (COMP_WORDBREAKS); here they are whole again.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    if [[ $i -gt 1 && (-n $glue || ${COMP_WORDS[i]} == [:=]*) ]]; then
      words[-1]+=${COMP_WORDS[i]}
    else
      words+=("${COMP_WORDS[i]}")
    fi
    glue=''
    if [[ ${COMP_WORDS[i]} == *[:=] ]]; then glue=1; fi
  done
  current=${words[-1]} previous=${words[-2]}
  for i in "${words[@]:1:${#words[@]}-2}"; do
    if _@TOOL@_is_command "$i"; then command=$i; break; fi
  done

  local kind='' choices=()
  if [[ $current == --*=* ]] && _@TOOL@_option "$command" "${current%%=*}"; then
    _@TOOL@_values "${current%%=*}=" "${current#*=}" "$kind" "${choices[@]}"
  elif _@TOOL@_option "$command" "$previous"; then
    _@TOOL@_values '' "$current" "$kind" "${choices[@]}"
  elif [[ $current == -* ]]; then
    _@TOOL@_table "$command"
    _@TOOL@_offer "$current" "${table[@]}"
  else
    _@TOOL@_arguments "$command" "$current"
  fi

  # And only what stands behind the last of them is replaced.
  for mark in : =; do
    if [[ $COMP_WORDBREAKS == *"$mark"* && $current == *"$mark"* ]]; then
      mark=${current%"${current##*"$mark"}"}
      if [[ ${#mark} -gt ${#head} ]]; then head=$mark; fi
    fi
  done
  COMPREPLY=("${COMPREPLY[@]#"$head"}")
}

complete -F _@TOOL@ @TOOL@
)BASH";

const char* word_of(Kind kind) {
  switch (kind) {
    case Kind::file:
      return "file";
    case Kind::folder:
      return "folder";
    case Kind::ring:
      return "ring";
    case Kind::endpoint:
      return "endpoint";
    case Kind::input:
      return "input";
    case Kind::group:
      return "group";
    default:
      return "other";
  }
}

std::string pair(const std::string& word, const std::string& help) {
  return fmt::format("      {} {}\n", single_quoted(word), single_quoted(help));
}

/// A branch of _TOOL_table: all options with their help.
std::string table(const Command& command, const std::string& name) {
  std::string out = fmt::format("    {}) table=(\n", single_quoted(name));
  for (const Option& option : command.options) {
    for (const std::string& spelling : option.names) out += pair(spelling, option.help);
  }
  return out + "    ) ;;\n";
}

/// Branches of _TOOL_option: how the values of those options that take one are completed.
std::string values(const Command& command, const std::string& name) {
  std::string out;
  for (const Option& option : command.options) {
    if (!option.takes_value) continue;
    std::vector<std::string> patterns;
    for (const std::string& spelling : option.names) patterns.push_back(name + ":" + spelling);
    out += fmt::format("    {}) kind={} choices=({}) ;;\n", joined(patterns, " | "), word_of(option.value.kind),
                       joined(option.value.words, " "));
  }
  return out;
}

/// A branch of _TOOL_arguments: subcommands, or what stands without an option.
std::string arguments(const Command& command, const std::string& name) {
  std::string out = fmt::format("    {})\n", single_quoted(name));
  if (!command.commands.empty()) {
    out += "      _@TOOL@_offer \"$2\" \\\n";
    for (const Command& sub : command.commands)
      out += fmt::format("        {} {}{}\n", sub.name, single_quoted(sub.help),
                         &sub == &command.commands.back() ? "" : " \\");
  }
  for (const Argument& argument : command.arguments)
    out += fmt::format("      _@TOOL@_values '' \"$2\" {} {}\n", word_of(argument.value.kind),
                       joined(argument.value.words, " "));
  return out + "      ;;\n";
}

template <class Text>
std::string function(const char* head, const Command& tool, Text text, const char* end) {
  std::string out = head + text(tool, "");
  for (const Command& command : tool.commands) out += text(command, command.name);
  return out + end;
}

std::string is_command(const Command& tool) {
  std::vector<std::string> names;
  for (const Command& command : tool.commands) names.push_back(command.name);
  if (names.empty()) return "_@TOOL@_is_command() { false; }\n";
  return "_@TOOL@_is_command() { case $1 in " + joined(names, " | ") + ") ;; *) false ;; esac }\n";
}

}  // namespace

std::string bash(const Command& tool) {
  std::string out = "# bash completion for @TOOL@, made of its option table.\n\n" + is_command(tool);
  out += function("\n# COMMAND: its options and their help, in `table`\n_@TOOL@_table() {\n  case $1 in\n", tool, table,
                  "  esac\n}\n");
  out += function(
      "\n# COMMAND OPTION: fills `kind` and `choices`, or fails where OPTION takes no value\n"
      "_@TOOL@_option() {\n  case $1:$2 in\n",
      tool, values, "    *) return 1 ;;\n  esac\n}\n");
  out += function("\n# COMMAND CURRENT: what is no option\n_@TOOL@_arguments() {\n  case $1 in\n", tool, arguments,
                  "  esac\n}\n");
  return for_tool(out + kFunctions, tool.name);
}

}  // namespace campipe::cli::completion
