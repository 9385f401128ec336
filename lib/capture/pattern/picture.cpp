#include "capture/pattern/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "capture/pattern/font.hpp"
#include "media/counter_strip.hpp"

namespace campipe::capture::pattern {

namespace {

constexpr Colour kBlack{0, 0, 0}, kWhite{255, 255, 255}, kPanel{24, 24, 24};
constexpr std::array<Colour, 8> kBars{
    {{255, 255, 255}, {255, 255, 0}, {0, 255, 255}, {0, 255, 0}, {255, 0, 255}, {255, 0, 0}, {0, 0, 255}, {0, 0, 0}}};

/// Goes from 0 to 1 and back once in `period` seconds.
double swing(double seconds, double period) {
  const double phase = std::fmod(seconds, period) / period;
  return phase < 0.5 ? 2 * phase : 2 - 2 * phase;
}

int text_width(std::size_t characters, int scale) {
  return static_cast<int>(characters) * (kGlyphAdvance * scale) - scale;
}

}  // namespace

std::string clock_text(std::int64_t unix_us) {
  const auto seconds = static_cast<time_t>(unix_us / 1'000'000);
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, unix_us / 1000 % 1000);
}

Picture::Picture(media::PixelFormat format, Size size, Rational rate)
    : format_(format),
      size_(size),
      rate_(rate),
      strip_px_(media::counter_strip_rows(size.height_px)),
      still_(media::picture_bytes(format, size)) {
  const int rest = size.height_px - strip_px_;
  band_px_ = rest / 10;
  ramp_px_ = rest / 10;
  text_px_ = rest * 3 / 10;
  bars_px_ = rest - band_px_ - ramp_px_ - text_px_;
  label_ = fmt::format("{}x{} {} fps", size.width_px, size.height_px, format_rate(rate));
  paint_still();
}

void Picture::paint_still() {
  Canvas canvas(format_, size_, still_);
  const int width = size_.width_px;
  canvas.fill({0, 0, width, size_.height_px}, kPanel);
  const auto edge = [width](int i, int of) { return static_cast<int>(std::int64_t{i} * width / of); };
  for (int i = 0; i < 8; ++i) {
    canvas.fill({edge(i, 8), strip_px_, edge(i + 1, 8) - edge(i, 8), bars_px_}, kBars[static_cast<std::size_t>(i)]);
  }
  for (int i = 0; i < 64; ++i) {
    const auto grey = static_cast<std::uint8_t>(i * 255 / 63);
    canvas.fill({edge(i, 64), strip_px_ + bars_px_, edge(i + 1, 64) - edge(i, 64), ramp_px_}, {grey, grey, grey});
  }
}

void Picture::paint_motion(Canvas& canvas, double seconds) const {
  const int width = size_.width_px;
  const int radius = std::max(2, std::min(bars_px_ / 5, width / 10));
  const int x = radius + static_cast<int>(swing(seconds, 5.0) * (width - 2 * radius));
  const int y = strip_px_ + radius + static_cast<int>(swing(seconds, 3.1) * (bars_px_ - 2 * radius));
  canvas.disc(x, y, radius, kBlack);
  canvas.disc(x, y, radius - std::max(1, radius / 8), {255, 140, 0});

  const int top = size_.height_px - band_px_, block = std::max(4, width / 24);
  const int shift = static_cast<int>(std::fmod(seconds * width / 6, 2.0 * block));
  for (int at = -shift; at < width; at += 2 * block) canvas.fill({at, top, block, band_px_}, {90, 160, 255});
}

void Picture::paint_text(Canvas& canvas, std::uint64_t number, std::int64_t unix_us) const {
  const std::string clock = clock_text(unix_us);
  const std::string frame = fmt::format("#{:06}", number);
  const int top = strip_px_ + bars_px_ + ramp_px_;
  const int line = text_px_ / 2;
  // Whole clock and the label where they fit, in a small picture the frame number alone.
  const auto fit = [&](std::size_t characters, int height) {
    return std::min((height - 2) / kGlyphHeight, size_.width_px / (static_cast<int>(characters) * kGlyphAdvance));
  };
  const std::string second = frame + "  " + label_;
  const int scale = std::min(fit(std::max(clock.size(), second.size()), line), line / 9 + 1);
  const auto centred = [&](int y, int by, const std::string& text) {
    canvas.text((size_.width_px - text_width(text.size(), by)) / 2, y, by, text, kWhite);
  };
  if (scale >= 1) {
    const int space = (line - kGlyphHeight * scale) / 2;
    centred(top + space, scale, clock);
    centred(top + line + space, scale, second);
  } else if (const int small = fit(frame.size(), text_px_); small >= 1) {
    centred(top + (text_px_ - kGlyphHeight * small) / 2, small, frame);
  }
}

void Picture::paint(std::uint64_t number, std::int64_t unix_us, std::span<std::byte> out) const {
  std::memcpy(out.data(), still_.data(), still_.size());
  Canvas canvas(format_, size_, out);
  paint_motion(canvas, static_cast<double>(number) / rate_.value());
  paint_text(canvas, number, unix_us);
  paint_strip(canvas, static_cast<std::uint32_t>(number));
}

/// Takes the cells from a strip of luma, so that one drawing serves all pixel formats.
void Picture::paint_strip(Canvas& canvas, std::uint32_t number) const {
  const auto width = static_cast<std::size_t>(size_.width_px);
  const Size least{size_.width_px, 8};
  std::vector<std::byte> luma(width * static_cast<std::size_t>(media::counter_strip_rows(least.height_px)));
  media::draw_counter_strip(luma, width, least, number, 0, 255);
  for (std::size_t from = 0; from < width;) {
    std::size_t to = from + 1;
    while (to < width && luma[to] == luma[from]) ++to;
    canvas.fill({static_cast<int>(from), 0, static_cast<int>(to - from), strip_px_},
                luma[from] == std::byte{0} ? kBlack : kWhite);
    from = to;
  }
}

}  // namespace campipe::capture::pattern
