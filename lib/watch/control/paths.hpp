#pragma once
#include <string>

/// Where camwatch finds and leaves its files: for root and for a service the system's folders, for everybody else
/// XDG's.
namespace campipe::watch::control {

/// $XDG_CONFIG_HOME/campipe/camwatch.yaml (~/.config/…, but not for root), when that exists or there is no
/// /etc/campipe/camwatch.yaml; else that.
std::string default_config_path();

/// camwatch.sock in $RUNTIME_DIRECTORY (systemd), $XDG_RUNTIME_DIR/campipe, for root /run/campipe, else
/// /tmp/campipe-UID.
std::string default_control_socket();

/// The same for who asks: root, without a camwatch of its own, means the system's service.
std::string control_socket_to_ask();

/// $LOGS_DIRECTORY (systemd), $XDG_STATE_HOME/campipe/log (~/.local/state/…), for root /var/log/campipe.
std::string default_log_dir();

/// Makes the folder with those above it, new ones for us alone (0700). Throws Error: cannot create, or `ours` is wanted
/// and it belongs to somebody else or others may write into it (a folder in /tmp that was there before us).
void make_folder(const std::string& path, bool ours);

}  // namespace campipe::watch::control
