#include "capture/v4l2/mode_choice.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace campipe::capture::v4l2 {

using media::VideoCodec;

namespace {

constexpr Size kDefaultSize{1920, 1080};
constexpr double kDefaultRate = 30;
constexpr double kNearly = 0.99;  // 29.97 passes for 30

struct Candidate {
  const DeviceFormat* format = nullptr;
  Size size;
  Rational rate;
  bool rate_known = false;

  bool reaches(double wanted) const { return !rate_known || rate.value() >= wanted * kNearly; }
  std::int64_t area() const { return std::int64_t{size.width_px} * size.height_px; }
};

bool within(Size size, const OfferedSize& offered) {
  const auto fits = [](int value, int least, int most, int step) {
    return value >= least && value <= most && (value - least) % std::max(step, 1) == 0;
  };
  return fits(size.width_px, offered.least.width_px, offered.most.width_px, offered.step_width) &&
         fits(size.height_px, offered.least.height_px, offered.most.height_px, offered.step_height);
}

/// The biggest size of a range that is not over the limit.
Size biggest(const OfferedSize& offered, Size limit) {
  const auto most = [](int least, int most_px, int step, int limit_px) {
    const int top = std::min(most_px, limit_px);
    return top < least ? least : least + (top - least) / std::max(step, 1) * std::max(step, 1);
  };
  return {most(offered.least.width_px, offered.most.width_px, offered.step_width, limit.width_px),
          most(offered.least.height_px, offered.most.height_px, offered.step_height, limit.height_px)};
}

/// The lowest rate that is at least the wanted one, else the highest there is.
Rational best_rate(const std::vector<RateRange>& rates, double wanted) {
  Rational best{0, 1};
  for (const RateRange& range : rates) {
    Rational rate = range.highest;
    if (range.lowest.value() <= wanted && wanted <= range.highest.value()) {
      rate = range.lowest == range.highest ? range.highest
                                           : Rational{static_cast<std::int64_t>(wanted * 1000 + 0.5), 1000};
    } else if (range.lowest.value() > wanted) {
      rate = range.lowest;
    }
    const bool enough = rate.value() >= wanted * kNearly, had_enough = best.value() >= wanted * kNearly;
    if (enough != had_enough ? enough : (enough ? rate.value() < best.value() : rate.value() > best.value()))
      best = rate;
  }
  return best;
}

/// Without a wish for a format: raw first, then what every browser shows, then what needs a decoder.
int codec_rank(VideoCodec codec) {
  switch (codec) {
    case VideoCodec::raw:
      return 0;
    case VideoCodec::mjpeg:
      return 1;
    case VideoCodec::h264:
      return 2;
    case VideoCodec::h265:
      return 3;
  }
  return 4;
}

std::vector<Candidate> candidates(const std::vector<OfferedFormat>& offered, const ModeWish& wish, double rate) {
  std::vector<Candidate> all;
  for (const OfferedFormat& format : offered) {
    const DeviceFormat* known = find_device_format(format.fourcc);
    if (known == nullptr || (wish.format && !wish.format->matches(*known))) continue;
    if (format.sizes.empty()) all.push_back({known, wish.size.value_or(Size{}), {0, 1}, false});
    for (const OfferedSize& size : format.sizes) {
      if (wish.size && !within(*wish.size, size)) continue;
      all.push_back(
          {known, wish.size.value_or(biggest(size, kDefaultSize)), best_rate(size.rates, rate), !size.rates.empty()});
    }
  }
  return all;
}

bool over_default(const Candidate& c) {
  return c.size.width_px > kDefaultSize.width_px || c.size.height_px > kDefaultSize.height_px;
}

/// Smaller is better. What comes first decides.
auto order(const Candidate& c, double rate, bool size_asked) {
  const bool enough = c.reaches(rate);
  const std::int64_t area = over_default(c) ? -c.area() : c.area();
  return std::tuple(!size_asked && over_default(c), !enough, enough ? 0.0 : -c.rate.value(), -area,
                    codec_rank(c.format->codec), c.format->preference, enough ? c.rate.value() : 0.0);
}

std::string words(const Candidate& c) {
  std::string text =
      c.format->codec == VideoCodec::raw ? fourcc_text(c.format->fourcc) : std::string(media::name(c.format->codec));
  if (c.size.width_px > 0) text += fmt::format(" {}x{}", c.size.width_px, c.size.height_px);
  if (c.rate_known) text += fmt::format(" at {:.4g} fps", c.rate.value());
  return text;
}

std::string reason(const Candidate& chosen, const std::vector<Candidate>& all, const ModeWish& wish, double rate) {
  if (wish.format) return "as asked";
  if (chosen.format->codec == VideoCodec::raw) {
    return chosen.reaches(rate) ? "raw reaches the size and rate" : "the highest rate it offers";
  }
  const Candidate* raw = nullptr;
  for (const Candidate& c : all) {
    if (c.format->codec != VideoCodec::raw) continue;
    if (raw == nullptr || order(c, rate, wish.size.has_value()) < order(*raw, rate, wish.size.has_value())) raw = &c;
  }
  return raw == nullptr ? "it offers no raw format" : "raw only reaches " + words(*raw);
}

std::string refusal(const std::vector<OfferedFormat>& offered, const ModeWish& wish) {
  std::vector<OfferedFormat> fitting;
  std::string names;
  for (const OfferedFormat& format : offered) {
    const DeviceFormat* known = find_device_format(format.fourcc);
    names += (names.empty() ? "" : ", ") + fourcc_text(format.fourcc);
    if (known != nullptr && (!wish.format || wish.format->matches(*known))) fitting.push_back(format);
  }
  if (fitting.empty()) {
    return wish.format ? fmt::format("it does not offer this format: it has {}", names.empty() ? "none" : names)
                       : fmt::format("it has no format that campipe knows: {}", names.empty() ? "none at all" : names);
  }
  return fmt::format("cannot do {}x{}: it offers {}", wish.size->width_px, wish.size->height_px, sizes_text(fitting));
}

}  // namespace

Expected<Mode, std::string> choose_mode(const std::vector<OfferedFormat>& offered, const ModeWish& wish) {
  const double rate = wish.rate ? wish.rate->value() : kDefaultRate;
  const std::vector<Candidate> all = candidates(offered, wish, rate);
  if (all.empty()) return Unexpected<std::string>(refusal(offered, wish));
  const auto best = std::ranges::min_element(all, [&](const Candidate& a, const Candidate& b) {
    return order(a, rate, wish.size.has_value()) < order(b, rate, wish.size.has_value());
  });
  Mode mode{*best->format, best->size, best->rate_known ? best->rate : wish.rate.value_or(Rational{0, 1}),
            reason(*best, all, wish, rate)};
  return mode;
}

std::string sizes_text(const std::vector<OfferedFormat>& offered) {
  std::vector<std::pair<std::int64_t, std::string>> sizes;
  for (const OfferedFormat& format : offered) {
    for (const OfferedSize& size : format.sizes) {
      std::string text = fmt::format("{}x{}", size.least.width_px, size.least.height_px);
      if (!(size.least == size.most)) text += fmt::format(" to {}x{}", size.most.width_px, size.most.height_px);
      sizes.emplace_back(std::int64_t{size.most.width_px} * size.most.height_px, std::move(text));
    }
  }
  std::ranges::sort(sizes);
  sizes.erase(std::ranges::unique(sizes).begin(), sizes.end());
  std::string text;
  for (const auto& size : sizes) text += (text.empty() ? "" : ", ") + size.second;
  return text.empty() ? "no sizes" : text;
}

}  // namespace campipe::capture::v4l2
