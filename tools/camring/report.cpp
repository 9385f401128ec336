#include "report.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <initializer_list>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/units.hpp"

namespace campipe {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double steps) {
  return std::round(value * steps) / steps;
}

std::string age_text(const ring::Survey& survey) {
  if (!survey.age_s) return "-";
  const double age = std::max(0.0, *survey.age_s);
  if (age < 1) return fmt::format("{:.0f}ms", age * 1e3);
  if (age < 100) return fmt::format("{:.1f}s", age);
  return format_duration(std::chrono::seconds(std::llround(age)));
}

std::string format_text(const ring::Survey& survey) {
  return survey.format ? ring::layout::describe(*survey.format) : "not told yet";
}

std::string writer_text(const ring::Survey& survey) {
  return survey.writer_pid == 0 ? "-" : fmt::format("{}[{}]", survey.writer_command, survey.writer_pid);
}

/// "live", "lost", "resting": what its writer does says more than that it is there.
std::string state_text(const ring::Survey& survey) {
  const bool says_more =
      survey.state == "live" && (survey.source.lost() || survey.source.state == SourceState::resting);
  return says_more ? std::string(name(survey.source.state)) : survey.state;
}

std::string fps_text(const ring::Survey& survey) {
  return survey.frames_per_second > 0 ? fmt::format("{:.1f}", survey.frames_per_second) : "-";
}

std::string readers_text(const ring::Survey& survey) {
  return fmt::format("{}{}", survey.readers.size(), survey.other_readers ? "+" : "");
}

std::string local_time(std::int64_t unix_us) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(unix_us / 1'000'000)));
}

template <std::size_t kColumns>
using Rows = std::vector<std::array<std::string, kColumns>>;

/// Columns two spaces apart, the last one ragged.
template <std::size_t kColumns>
std::string aligned(const Rows<kColumns>& rows, std::size_t indent) {
  std::array<std::size_t, kColumns> width{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    out.append(indent, ' ');
    for (std::size_t i = 0; i + 1 < kColumns; ++i) out += fmt::format("{:<{}}  ", row[i], width[i]);
    out += row.back() + '\n';
  }
  return out;
}

std::string readers_table(const ring::Survey& survey) {
  Rows<7> rows{{"PID", "COMMAND", "DELIVERY", "WANTS", "LAST", "LOST", "SINCE"}};
  for (const auto& reader : survey.readers) {
    rows.push_back({std::to_string(reader.pid), reader.command, reader.newest ? "newest" : "in order",
                    reader.wants ? "yes" : "no", std::to_string(reader.last_seq), std::to_string(reader.lost),
                    local_time(reader.since_us)});
  }
  return survey.readers.empty() ? "" : aligned(rows, 2);
}

Json format_json(const ring::layout::Format& format) {
  Json json;
  json["codec"] = ring::layout::name(format.codec);
  json["pixel_format"] = format.pixel_format.empty() ? Json() : Json(format.pixel_format);
  json["width"] = format.width_px;
  json["height"] = format.height_px;
  const bool has_rate = format.rate_num > 0 && format.rate_den > 0;
  json["frame_rate"] = has_rate ? Json(format_rate({format.rate_num, format.rate_den})) : Json();
  constexpr std::array<const char*, 3> kRanges{"unknown", "limited", "full"};
  constexpr std::array<const char*, 4> kMatrices{"unknown", "bt601", "bt709", "bt2020"};
  constexpr std::array<const char*, 7> kAudio{"none", "aac", "pcm_alaw", "pcm_mulaw", "opus", "mp3", "pcm_s16le"};
  json["range"] = kRanges.at(static_cast<std::size_t>(format.range));
  json["matrix"] = kMatrices.at(static_cast<std::size_t>(format.matrix));
  const auto audio = static_cast<std::size_t>(format.audio_codec);
  json["audio"] = audio == 0 ? Json() : Json(kAudio.at(audio));
  return json;
}

Json reader_json(const ring::Survey::Reader& reader) {
  Json json;
  json["pid"] = reader.pid;
  json["command"] = reader.command;
  json["delivery"] = reader.newest ? "newest" : "in-order";
  json["wants"] = reader.wants;
  json["leases"] = reader.leases;
  json["last_seq"] = reader.last_seq;
  json["lost"] = reader.lost;
  json["since_us"] = reader.since_us;
  return json;
}

Json source_json(const SourceStatus& source) {
  Json json;
  json["state"] = name(source.state);
  json["since_us"] = source.since_us > 0 ? Json(source.since_us) : Json();
  json["reason"] = source.reason;
  return json;
}

Json writer_json(const ring::Survey& survey) {
  if (survey.writer_pid == 0) return {};
  Json json;
  json["pid"] = survey.writer_pid;
  json["command"] = survey.writer_command;
  json["since_us"] = survey.writer_since_us;
  return json;
}

}  // namespace

std::string table_of(const std::vector<Listed>& rings) {
  if (rings.empty()) return "";
  Rows<8> rows{{"NAME", "STATE", "FPS", "AGE", "READERS", "MEMORY", "WRITER", "FORMAT"}};
  for (const Listed& ring : rings) {
    const ring::Survey& survey = ring.survey;
    if (!ring.error.empty()) {
      rows.push_back({ring.name, "unreadable", "-", "-", "-", "-", "-", ring.error});
      continue;
    }
    rows.push_back({ring.name, state_text(survey), fps_text(survey), age_text(survey), readers_text(survey),
                    format_bytes(static_cast<std::int64_t>(survey.memory_bytes)), writer_text(survey),
                    format_text(survey)});
  }
  return aligned(rows, 0);
}

std::string text_of(const ring::Survey& survey) {
  std::string out = fmt::format("{}: {}\n", survey.name, survey.state);
  out += fmt::format("format   {}\n", format_text(survey));
  out += fmt::format("frames   {} so far, {} dropped, {} fps, the newest {} old\n", survey.units, survey.dropped,
                     fps_text(survey), age_text(survey));
  const std::string memory = format_bytes(static_cast<std::int64_t>(survey.memory_bytes));
  if (survey.kind == ring::layout::Kind::raw) {
    out += fmt::format("memory   {}: {} slots, {} leased\n", memory, survey.slots, survey.leased);
  } else {
    out += fmt::format("memory   {}: room for {} of coded video, {} packets in it\n", memory,
                       format_bytes(static_cast<std::int64_t>(survey.arena_bytes)),
                       survey.head >= survey.oldest && survey.oldest > 0 ? survey.head - survey.oldest + 1 : 0);
  }
  out += fmt::format("owner    uid {}, mode {:04o}\n", survey.uid, survey.mode);
  if (survey.writer_pid == 0) {
    out += fmt::format("writer   none, {} until now\n", survey.epoch);
  } else {
    out += fmt::format("writer   {}, number {}, since {}\n", writer_text(survey), survey.epoch,
                       local_time(survey.writer_since_us));
  }
  if (survey.source.state != SourceState::unknown) {
    out += fmt::format("source   {} since {}{}{}\n", name(survey.source.state), local_time(survey.source.since_us),
                       survey.source.reason.empty() ? "" : ": ", survey.source.reason);
  }
  out += fmt::format("readers  {}{}\n", survey.readers.size(),
                     survey.other_readers ? ", and some that may only read and are not listed" : "");
  return out + readers_table(survey);
}

Json json_of(const ring::Survey& survey) {
  const bool raw = survey.kind == ring::layout::Kind::raw;
  Json json;
  json["name"] = survey.name;
  json["kind"] = raw ? "raw" : "coded";
  json["state"] = survey.state;
  json["format"] = survey.format ? format_json(*survey.format) : Json();
  json["fps"] = survey.frames_per_second > 0 ? Json(rounded(survey.frames_per_second, 100)) : Json();
  json["age_s"] = survey.age_s ? Json(rounded(*survey.age_s, 1e6)) : Json();
  json["frames"] = survey.units;
  json["bytes"] = survey.bytes;
  json["dropped"] = survey.dropped;
  json["newest_seq"] = survey.head;
  json["oldest_seq"] = raw ? Json() : Json(survey.oldest);
  json["memory_bytes"] = survey.memory_bytes;
  json["slots"] = raw ? Json(survey.slots) : Json();
  json["leased"] = raw ? Json(survey.leased) : Json();
  json["arena_bytes"] = raw ? Json() : Json(survey.arena_bytes);
  json["uid"] = survey.uid;
  json["mode"] = fmt::format("{:04o}", survey.mode);
  json["writers"] = survey.epoch;
  json["writer"] = writer_json(survey);
  json["source"] = source_json(survey.source);
  json["readers"] = Json::array();
  for (const auto& reader : survey.readers) json["readers"].push_back(reader_json(reader));
  json["unlisted_readers"] = survey.other_readers;
  return json;
}

Json json_of(const std::vector<Listed>& rings) {
  Json json = Json::array();
  for (const Listed& ring : rings) {
    if (ring.error.empty()) {
      json.push_back(json_of(ring.survey));
    } else {
      json.push_back({{"name", ring.name}, {"error", ring.error}});
    }
  }
  return json;
}

}  // namespace campipe
