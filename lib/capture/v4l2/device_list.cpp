#include "capture/v4l2/device_list.hpp"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/units.hpp"

namespace campipe::capture::v4l2 {

namespace {

using nlohmann::json;

/// The names under folder/v4l/by-id and by-path that lead to the node.
std::vector<std::string> links_to(const std::filesystem::path& folder, const std::filesystem::path& node) {
  std::vector<std::string> found;
  for (const char* kind : {"by-id", "by-path"}) {
    std::error_code missing;
    for (const auto& link : std::filesystem::directory_iterator(folder / "v4l" / kind, missing)) {
      std::error_code dangling;
      if (std::filesystem::canonical(link.path(), dangling) == node) found.push_back(link.path().string());
    }
  }
  std::ranges::sort(found);
  return found;
}

std::string rates_text(const std::vector<RateRange>& rates) {
  std::string text;
  for (const RateRange& range : rates) {
    text += fmt::format("{}{:.4g}", text.empty() ? "" : " ", range.highest.value());
    if (!(range.lowest == range.highest)) text += fmt::format(" down to {:.4g}", range.lowest.value());
  }
  return text.empty() ? "unknown rates" : text + " fps";
}

std::string size_text(const OfferedSize& size) {
  std::string text = fmt::format("{}x{}", size.least.width_px, size.least.height_px);
  if (!(size.least == size.most)) text += fmt::format(" to {}x{}", size.most.width_px, size.most.height_px);
  return text;
}

/// What the format is called after -f, "" when campipe does not know it.
std::string format_word(std::uint32_t fourcc) {
  const DeviceFormat* known = find_device_format(fourcc);
  if (known == nullptr) return "";
  return std::string(known->codec == media::VideoCodec::raw ? media::name(known->pixel_format)
                                                            : media::name(known->codec));
}

/// Strings of drivers may hold any bytes; JSON must be UTF-8.
std::string dump(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

json device_json(const std::string& path, const DeviceInfo& info) {
  return {{"device", path}, {"name", info.card}, {"driver", info.driver}, {"bus", info.bus}};
}

}  // namespace

std::vector<ListedDevice> list_devices(const std::filesystem::path& folder) {
  std::vector<std::pair<std::int64_t, std::filesystem::path>> nodes;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("video")) continue;
    if (const auto number = parse_integer(std::string_view(name).substr(5), 0, 1 << 20))
      nodes.emplace_back(*number, entry.path());
  }
  std::ranges::sort(nodes);
  std::vector<ListedDevice> devices;
  for (const auto& [number, path] : nodes) {
    const Fd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!fd) continue;
    const auto info = query_device(fd.get());
    if (info && info->captures()) devices.push_back({path.string(), *info, links_to(folder, path)});
  }
  return devices;
}

std::string first_camera() {
  const auto devices = list_devices();
  if (devices.empty())
    throw Error(ExitCode::no_input, "auto: no camera found: plug one in, name a source, or try camgrab pattern");
  return devices.front().path;
}

std::string devices_text(const std::vector<ListedDevice>& devices) {
  std::string text;
  for (const ListedDevice& device : devices) {
    text += fmt::format("{}  {} ({}, {})\n", device.path, device.info.card, device.info.driver, device.info.bus);
    for (const std::string& link : device.links) text += fmt::format("  {}\n", link);
  }
  return text;
}

std::string devices_json(const std::vector<ListedDevice>& devices) {
  json all = json::array();
  for (const ListedDevice& device : devices) {
    json one = device_json(device.path, device.info);
    one["links"] = device.links;
    all.push_back(std::move(one));
  }
  return dump(all);
}

std::string formats_text(const std::string& path, const DeviceInfo& info, const std::vector<OfferedFormat>& formats) {
  std::string text = fmt::format("{}  {} ({}, {})\n", path, info.card, info.driver, info.bus);
  for (const OfferedFormat& format : formats) {
    const std::string word = format_word(format.fourcc);
    text += fmt::format("{}  {}  {}\n", fourcc_text(format.fourcc),
                        word.empty() ? "(unknown to campipe)" : "-f " + word, format.description);
    for (const OfferedSize& size : format.sizes)
      text += fmt::format("  {:12}  {}\n", size_text(size), rates_text(size.rates));
    if (format.sizes.empty()) text += "  sizes unknown: any may be tried\n";
  }
  return text;
}

std::string formats_json(const std::string& path, const DeviceInfo& info, const std::vector<OfferedFormat>& formats) {
  json all = json::array();
  for (const OfferedFormat& format : formats) {
    json sizes = json::array();
    for (const OfferedSize& size : format.sizes) {
      json rates = json::array();
      for (const RateRange& range : size.rates) {
        rates.push_back(range.lowest == range.highest
                            ? json(format_rate(range.highest))
                            : json{{"lowest", format_rate(range.lowest)}, {"highest", format_rate(range.highest)}});
      }
      json one{{"width", size.most.width_px}, {"height", size.most.height_px}, {"rates", rates}};
      if (!(size.least == size.most)) {
        one["least_width"] = size.least.width_px;
        one["least_height"] = size.least.height_px;
        one["step_width"] = size.step_width;
        one["step_height"] = size.step_height;
      }
      sizes.push_back(std::move(one));
    }
    all.push_back({{"fourcc", fourcc_text(format.fourcc)},
                   {"format", format_word(format.fourcc)},
                   {"description", format.description},
                   {"sizes", sizes}});
  }
  json device = device_json(path, info);
  device["formats"] = std::move(all);
  return dump(device);
}

}  // namespace campipe::capture::v4l2
