#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "capture/v4l2/device.hpp"
#include "capture/v4l2/mode_choice.hpp"

namespace campipe::capture::v4l2 {

struct ListedDevice {
  std::string path;  ///< /dev/videoN
  DeviceInfo info;
  std::vector<std::string> links;  ///< by-id and by-path names, which stay when numbers change
};

/// The nodes that give pictures, in order of their numbers; metadata and output nodes of the same cameras are left out,
/// and so is what may not be opened. @param folder  /dev, or another one in tests.
std::vector<ListedDevice> list_devices(const std::filesystem::path& folder = "/dev");

/// The first of them; throws Error(no_input) where there is none.
std::string first_camera();

/// For people and, as one JSON array, for scripts.
std::string devices_text(const std::vector<ListedDevice>& devices);
std::string devices_json(const std::vector<ListedDevice>& devices);
std::string formats_text(const std::string& path, const DeviceInfo& info, const std::vector<OfferedFormat>& formats);
std::string formats_json(const std::string& path, const DeviceInfo& info, const std::vector<OfferedFormat>& formats);

}  // namespace campipe::capture::v4l2
