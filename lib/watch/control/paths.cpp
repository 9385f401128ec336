#include "watch/control/paths.hpp"

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace campipe::watch::control {

namespace {

/// A variable that holds a path from the root (XDG: others are to be ignored); systemd separates several by colons.
std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || value[0] != '/') return {};
  const std::string text = value;
  return text.substr(0, text.find(':'));
}

std::string home_or(const char* xdg, const char* below_home) {
  if (std::string path = variable(xdg); !path.empty()) return path;
  const std::string home = variable("HOME");
  if (home.empty()) throw Error(ExitCode::config, fmt::format("neither ${} nor $HOME is set", xdg));
  return home + below_home;
}

}  // namespace

std::string default_config_path() {
  const std::string system = "/etc/campipe/camwatch.yaml";
  const bool own = ::geteuid() != 0 && !variable("HOME").empty();
  if (variable("XDG_CONFIG_HOME").empty() && !own) return system;
  const std::string path = home_or("XDG_CONFIG_HOME", "/.config") + "/campipe/camwatch.yaml";
  return ::access(path.c_str(), F_OK) != 0 && ::access(system.c_str(), R_OK) == 0 ? system : path;
}

std::string default_control_socket() {
  const char* const name = "/camwatch.sock";
  if (const std::string path = variable("RUNTIME_DIRECTORY"); !path.empty()) return path + name;
  if (const std::string path = variable("XDG_RUNTIME_DIR"); !path.empty()) return path + "/campipe" + name;
  if (::geteuid() == 0) return std::string("/run/campipe") + name;
  return fmt::format("/tmp/campipe-{}{}", ::geteuid(), name);
}

std::string control_socket_to_ask() {
  const std::string own = default_control_socket();
  const std::string service = "/run/campipe/camwatch.sock";
  return ::geteuid() == 0 && ::access(own.c_str(), F_OK) != 0 && ::access(service.c_str(), F_OK) == 0 ? service : own;
}

std::string default_log_dir() {
  if (std::string path = variable("LOGS_DIRECTORY"); !path.empty()) return path;
  if (::geteuid() == 0 && variable("XDG_STATE_HOME").empty()) return "/var/log/campipe";
  return home_or("XDG_STATE_HOME", "/.local/state") + "/campipe/log";
}

void make_folder(const std::string& path, bool ours) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      const int error = errno;
      struct stat info{};
      if (::stat(part.c_str(), &info) != 0) {
        throw Error(ExitCode::cannot_create, fmt::format("cannot make the folder {}: {}", part, errno_text(error)));
      }
    }
    if (slash == std::string::npos) break;
  }
  struct stat info{};
  const auto refuse = [&](const char* why) { throw Error(ExitCode::cannot_create, fmt::format("{}: {}", path, why)); };
  if ((ours ? ::lstat(path.c_str(), &info) : ::stat(path.c_str(), &info)) != 0) refuse(errno_text(errno).c_str());
  if (!S_ISDIR(info.st_mode)) refuse("is no folder");
  if (!ours) return;
  if (info.st_uid != ::geteuid()) refuse("belongs to another user");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) refuse("others may write into it: chmod go-w");
}

}  // namespace campipe::watch::control
