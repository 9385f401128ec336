#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "cli/app.hpp"
#include "cli/run.hpp"
#include "report.hpp"
#include "ring/kernel/names.hpp"
#include "ring/survey.hpp"
#include "tap.hpp"

namespace campipe {

namespace {

struct Options {
  bool json = false, force = false;
  std::vector<std::string> names;
  std::int64_t frames = 0;
};

constexpr const char* kExamples =
    "  camring list\n"
    "  camring stat front.raw\n"
    "  camring stat shm:front.raw --json | jq .readers\n"
    "  camring tap front.h264 | ffplay -f nut -\n"
    "  camring tap -n 1 front.raw | camenc --output-format jpeg > now.jpg\n"
    "  camring rm front.raw";

/// "front.raw" of "front.raw" and of "shm:front.raw". Throws Error(usage) for what no ring is called.
std::string ring_name(const std::string& text) {
  const std::string name = text.starts_with("shm:") ? text.substr(4) : text;
  if (!ring::kernel::is_name(name)) {
    throw Error(ExitCode::usage,
                fmt::format("'{}' is no ring's name: 1 to 64 letters, digits, _ or -, and one .SUFFIX: front.h264",
                            log::printable(text.substr(0, 100))));
  }
  return name;
}

/// Names the ring that was probably meant where there is none of that name.
[[noreturn]] void refuse_missing(const std::string& name, const Error& error) {
  const std::string meant =
      error.code() == ExitCode::no_input ? did_you_mean(name, ring::kernel::all_names()) : std::string();
  throw Error(error.code(), error.what() + meant);
}

ring::Survey survey_of(const std::string& name) {
  try {
    return ring::survey(name);
  } catch (const Error& error) {
    refuse_missing(name, error);
  }
}

void remove(const std::string& name, bool force) {
  try {
    ring::remove(name, force);
  } catch (const Error& error) {
    refuse_missing(name, error);
  }
}

/// Throws OutputClosed or Error(io_error) when stdout does not take it.
void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  if (errno == EPIPE) throw OutputClosed("stdout");
  throw Error(ExitCode::io_error, "stdout: cannot write: " + errno_text(errno));
}

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

int list(const Options& options) {
  std::vector<Listed> rings;
  for (const std::string& name : ring::kernel::all_names()) {
    Listed ring{.name = name, .survey = {}, .error = {}};
    try {
      ring.survey = ring::survey(name);
    } catch (const Error& error) {
      if (error.code() == ExitCode::no_input) continue;  // gone since
      ring.error = error.what();
    }
    rings.push_back(std::move(ring));
  }
  print(options.json ? dumped(json_of(rings)) : table_of(rings));
  return 0;
}

int stat(const Options& options) {
  const ring::Survey survey = survey_of(ring_name(options.names.front()));
  print(options.json ? dumped(json_of(survey)) : text_of(survey));
  return 0;
}

/// All that can go go; the first that could not gives the exit code.
int remove(const Options& options) {
  std::vector<std::string> names;
  for (const std::string& text : options.names) names.push_back(ring_name(text));
  int code = 0;
  for (const std::string& name : names) {
    try {
      remove(name, options.force);
    } catch (const Error& error) {
      log::error("{}", error.what());
      if (code == 0) code = static_cast<int>(error.code());
    }
  }
  return code;
}

int camring(int argc, char** argv) {
  Options options;
  cli::App app("camring", "Shows, removes and taps rings: the named links in shared memory, shm:NAME.", kExamples);
  app->require_subcommand(1);
  app->set_help_all_flag("--help-all", "Print the help of all commands and exit")->group("General");

  const auto named = [&](CLI::App* sub, int most) {
    sub->add_option("name", options.names, "A ring, as front.raw or shm:front.raw")
        ->type_name("RING")
        ->required()
        ->expected(1, most);
    return sub;
  };
  CLI::App* const list_command = app.subcommand("list", "Show all rings, one a line");
  list_command->add_flag("--json", options.json, "As JSON");
  CLI::App* const stat_command =
      named(app.subcommand("stat", "Show one ring: its format, writer, readers, rates, memory"), 1);
  stat_command->add_flag("--json", options.json, "As JSON");
  CLI::App* const rm_command = named(app.subcommand("rm", "Remove rings that no writer has"), 1000);
  rm_command->add_flag("-f,--force", options.force, "Remove it although a writer has it");
  CLI::App* const tap_command = named(app.subcommand("tap", "Write what flows through a ring to stdout, as NUT"), 1);
  tap_command
      ->add_option_function<std::string>(
          "-n,--frames",
          [&](const std::string& text) {
            const auto number = parse_integer(text, 1, 1'000'000'000'000);
            if (!number) throw CLI::ValidationError(fmt::format("--frames: cannot use '{}': a whole number", text));
            options.frames = *number;
          },
          "End after that many")
      ->type_name("N");

  if (const auto code = app.parse(argc, argv)) return *code;
  if (app.common().stats.count() > 0 && !*tap_command) throw Error(ExitCode::usage, "--stats is for camring tap");
  if (app.common().check) {
    for (const std::string& name : options.names) ring_name(name);  // throws
    return 0;
  }
  if (*list_command) return list(options);
  if (*stat_command) return stat(options);
  if (*rm_command) return remove(options);
  return tap({.name = ring_name(options.names.front()),
              .frames = static_cast<std::uint64_t>(options.frames),
              .stats = app.common().stats});
}

}  // namespace

}  // namespace campipe

int main(int argc, char** argv) {
  return campipe::cli::run("camring", [&] { return campipe::camring(argc, argv); });
}
