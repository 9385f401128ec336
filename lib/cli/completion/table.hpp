#pragma once
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

/// Shell completion, made of the option tables of the tools.
namespace campipe::cli::completion {

/// What stands for a value beside the words that the table names.
enum class Kind { other, file, folder, ring, endpoint, input, group };

struct Value {
  std::string name;                ///< as --help shows it: "CODEC"
  std::vector<std::string> words;  ///< what it may be
  Kind kind = Kind::other;
};

struct Option {
  std::vector<std::string> names;  ///< with their dashes, short ones first
  std::string help;                ///< one line
  bool takes_value = false;
  bool repeats = false;
  bool inherited = false;  ///< of the tool, and taken by this subcommand as well
  Value value;
};

struct Argument {
  std::string help;
  bool repeats = false;
  Value value;
};

/// A tool, or a subcommand of it with the options of the tool that it takes.
struct Command {
  std::string name, help;
  std::vector<Option> options;
  std::vector<Argument> arguments;
  std::vector<Command> commands;
};

Command table_of(const CLI::App& app);

}  // namespace campipe::cli::completion
