#include "ffmpeg/input.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ffmpeg/error.hpp"
#include "ffmpeg/raii.hpp"

namespace campipe::ffmpeg {

namespace {

constexpr AVRational kNanoseconds{1, 1'000'000'000};
constexpr int kMostExtradata = 1 << 20;

/// Options of libavformat, freed with what it did not take.
struct Dictionary {
  AVDictionary* entries = nullptr;
  ~Dictionary() { av_dict_free(&entries); }
  void set(const std::string& key, const std::string& value) { av_dict_set(&entries, key.c_str(), value.c_str(), 0); }
};

std::optional<media::VideoFormat> video_of(const AVStream& stream) {
  const AVCodecParameters& parameters = *stream.codecpar;
  media::VideoFormat format;
  switch (parameters.codec_id) {
    case AV_CODEC_ID_H264:
      format.codec = media::VideoCodec::h264;
      break;
    case AV_CODEC_ID_HEVC:
      format.codec = media::VideoCodec::h265;
      break;
    case AV_CODEC_ID_MJPEG:
      format.codec = media::VideoCodec::mjpeg;
      break;
    case AV_CODEC_ID_RAWVIDEO: {
      const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(parameters.format));
      std::string text = name == nullptr ? "" : name;
      if (text.starts_with("yuvj")) {  // FFmpeg's old way to say full range
        text.erase(3, 1);
        format.range = media::ColourRange::full;
      }
      const auto known = media::pixel_format_by_name(text);
      if (!known || parameters.width <= 0 || parameters.height <= 0) return std::nullopt;
      format.codec = media::VideoCodec::raw;
      format.pixel_format = *known;
      break;
    }
    default:
      return std::nullopt;
  }
  if (parameters.width > 0 && parameters.height > 0) format.size = {parameters.width, parameters.height};
  const AVRational rate = stream.avg_frame_rate.num > 0 ? stream.avg_frame_rate : stream.r_frame_rate;
  if (rate.num > 0 && rate.den > 0) format.frame_rate = {rate.num, rate.den};
  if (parameters.color_range == AVCOL_RANGE_MPEG) format.range = media::ColourRange::limited;
  if (parameters.color_range == AVCOL_RANGE_JPEG) format.range = media::ColourRange::full;
  if (parameters.color_space == AVCOL_SPC_BT709) format.matrix = media::ColourMatrix::bt709;
  if (parameters.color_space == AVCOL_SPC_SMPTE170M || parameters.color_space == AVCOL_SPC_BT470BG)
    format.matrix = media::ColourMatrix::bt601;
  if (parameters.color_space == AVCOL_SPC_BT2020_NCL) format.matrix = media::ColourMatrix::bt2020;
  if (format.codec == media::VideoCodec::mjpeg) {
    format.range = media::ColourRange::full;
    format.matrix = media::ColourMatrix::bt601;
  }
  return format;
}

std::optional<media::AudioFormat> audio_of(const AVStream& stream) {
  const AVCodecParameters& parameters = *stream.codecpar;
  media::AudioFormat format;
  switch (parameters.codec_id) {
    case AV_CODEC_ID_AAC:
      format.codec = media::AudioCodec::aac;
      break;
    case AV_CODEC_ID_PCM_ALAW:
      format.codec = media::AudioCodec::pcm_alaw;
      break;
    case AV_CODEC_ID_PCM_MULAW:
      format.codec = media::AudioCodec::pcm_mulaw;
      break;
    case AV_CODEC_ID_OPUS:
      format.codec = media::AudioCodec::opus;
      break;
    case AV_CODEC_ID_MP3:
      format.codec = media::AudioCodec::mp3;
      break;
    case AV_CODEC_ID_PCM_S16LE:
      format.codec = media::AudioCodec::pcm_s16le;
      break;
    default:
      return std::nullopt;
  }
  format.sample_rate_hz = parameters.sample_rate;
  format.channels = parameters.ch_layout.nb_channels;
  return format;
}

std::vector<std::byte> extradata_of(const AVCodecParameters& parameters) {
  if (parameters.extradata == nullptr || parameters.extradata_size <= 0 || parameters.extradata_size > kMostExtradata)
    return {};
  const auto* bytes = reinterpret_cast<const std::byte*>(parameters.extradata);
  return {bytes, bytes + parameters.extradata_size};
}

/// Whether the header already told what there is, so that nothing has to be read ahead to find out.
bool tracks_known(const AVFormatContext& context) {
  if (std::string_view(context.iformat->name) == "mpjpeg") return true;
  if (context.nb_streams == 0 || (context.ctx_flags & AVFMTCTX_NOHEADER) != 0) return false;
  return std::all_of(context.streams, context.streams + context.nb_streams, [](const AVStream* stream) {
    const AVCodecParameters& parameters = *stream->codecpar;
    if (parameters.codec_id == AV_CODEC_ID_NONE) return false;
    if (parameters.codec_id == AV_CODEC_ID_RAWVIDEO) return parameters.format != AV_PIX_FMT_NONE;
    return parameters.codec_type != AVMEDIA_TYPE_AUDIO || parameters.sample_rate > 0;
  });
}

std::optional<std::int64_t> nanoseconds(std::int64_t time, AVRational base) {
  if (time == AV_NOPTS_VALUE) return std::nullopt;
  return av_rescale_q(time, base, kNanoseconds);
}

}  // namespace

struct Input::State {
  std::function<bool()> interrupted;
  InputContextPtr context;
  PacketPtr packet{av_packet_alloc()};
  std::vector<InputTrack> tracks;
  std::string unknown_video;
  int error = 0;

  void find_tracks();
};

Input::Input(std::unique_ptr<State> state) : state_(std::move(state)) {}
Input::~Input() = default;

std::unique_ptr<Input> Input::open(const std::string& url, InputOptions options, int& error) {
  auto state = std::make_unique<State>();
  state->interrupted = std::move(options.interrupted);
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr || !state->packet) throw std::bad_alloc();
  context->interrupt_callback.opaque = state.get();
  context->interrupt_callback.callback = [](void* opaque) noexcept -> int {
    const auto& interrupted = static_cast<State*>(opaque)->interrupted;
    return interrupted && interrupted() ? 1 : 0;
  };
  context->probesize = options.probe_bytes;
  context->max_analyze_duration = options.probe_us;
  Dictionary dictionary;
  for (const auto& [key, value] : options.format_options) dictionary.set(key, value);
  if (!options.protocols.empty()) dictionary.set("protocol_whitelist", options.protocols);
  error = avformat_open_input(&context, url.c_str(), nullptr, &dictionary.entries);  // frees the context when it fails
  if (error < 0) return nullptr;
  state->context.reset(context);
  if (!tracks_known(*context)) {
    error = avformat_find_stream_info(context, nullptr);
    if (error < 0) return nullptr;
  }
  state->find_tracks();
  return std::unique_ptr<Input>(new Input(std::move(state)));
}

void Input::State::find_tracks() {
  const int best_video = av_find_best_stream(context.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  const auto each = [&](AVMediaType type, auto&& use) {
    for (unsigned i = 0; i < context->nb_streams; ++i) {
      if (context->streams[i]->codecpar->codec_type == type) use(*context->streams[i]);
    }
  };
  const auto take_video = [&](const AVStream& stream) {
    if (!tracks.empty() || (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) return;
    if (auto video = video_of(stream)) {
      tracks.push_back({stream.index, std::move(video), std::nullopt, extradata_of(*stream.codecpar)});
    } else {
      unknown_video = avcodec_get_name(stream.codecpar->codec_id);
    }
  };
  if (best_video >= 0) take_video(*context->streams[best_video]);
  each(AVMEDIA_TYPE_VIDEO, take_video);
  if (!tracks.empty()) {
    each(AVMEDIA_TYPE_AUDIO, [&](const AVStream& stream) {
      if (tracks.size() > 1) return;
      if (auto audio = audio_of(stream))
        tracks.push_back({stream.index, std::nullopt, std::move(audio), extradata_of(*stream.codecpar)});
    });
  }
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    const bool wanted =
        std::ranges::any_of(tracks, [&](const InputTrack& track) { return track.index == static_cast<int>(i); });
    context->streams[i]->discard = wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

const std::vector<InputTrack>& Input::tracks() const noexcept {
  return state_->tracks;
}
const std::string& Input::unknown_video() const noexcept {
  return state_->unknown_video;
}
int Input::error() const noexcept {
  return state_->error;
}

bool Input::has_length() const noexcept {
  const AVFormatContext& context = *state_->context;
  return context.duration > 0 || (context.pb != nullptr && avio_size(context.pb) > 0);
}

bool Input::is_bare() const noexcept {
  const std::string_view name = state_->context->iformat->name;
  return name == "h264" || name == "hevc" || name == "mjpeg" || name == "mpjpeg" || name == "image2" ||
         name.ends_with("_pipe");
}

InputRead Input::read(InputPacket& out) {
  for (;;) {
    state_->packet.reset(av_packet_alloc());
    if (!state_->packet) throw std::bad_alloc();
    const int result = av_read_frame(state_->context.get(), state_->packet.get());
    if (result == AVERROR_EOF) return InputRead::end;
    if (result == AVERROR(EAGAIN)) continue;
    if (result < 0) {
      state_->error = result;
      return result == AVERROR_EXIT || (state_->interrupted && state_->interrupted()) ? InputRead::interrupted
                                                                                      : InputRead::failed;
    }
    const AVPacket& packet = *state_->packet;
    const bool wanted = std::ranges::any_of(
        state_->tracks, [&](const InputTrack& track) { return track.index == packet.stream_index; });
    if (!wanted || packet.size <= 0 || packet.data == nullptr) continue;
    const AVRational base = state_->context->streams[packet.stream_index]->time_base;
    out.track = packet.stream_index;
    out.pts_ns = nanoseconds(packet.pts, base);
    out.dts_ns = nanoseconds(packet.dts, base);
    out.duration_ns = packet.duration > 0 ? av_rescale_q(packet.duration, base, kNanoseconds) : 0;
    out.keyframe = (packet.flags & AV_PKT_FLAG_KEY) != 0;
    out.corrupt = (packet.flags & AV_PKT_FLAG_CORRUPT) != 0;
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(packet.data),
                                           static_cast<std::size_t>(packet.size));
    out.payload = media::Payload(std::shared_ptr<const AVPacket>(state_->packet.release(),
                                                                 [](const AVPacket* owned) {
                                                                   auto* freed = const_cast<AVPacket*>(owned);
                                                                   av_packet_free(&freed);
                                                                 }),
                                 bytes);
    return InputRead::packet;
  }
}

InputFailure explain(int averror, bool is_network) {
  switch (averror) {
    case AVERROR_HTTP_UNAUTHORIZED:
      return {ExitCode::permission, "wrong user or password (401)"};
    case AVERROR_HTTP_FORBIDDEN:
      return {ExitCode::permission, "forbidden for this user (403)"};
    case AVERROR_HTTP_NOT_FOUND:
      return {ExitCode::no_input, "there is no such stream (404)"};
    case AVERROR_HTTP_BAD_REQUEST:
    case AVERROR_HTTP_OTHER_4XX:
      return {ExitCode::protocol, "the server refuses the request"};
    case AVERROR_HTTP_SERVER_ERROR:
      return {ExitCode::unavailable, "the server reports an error of its own"};
    case AVERROR_INVALIDDATA:
      return {ExitCode::bad_data, is_network ? "what it sends is no stream" : "no video that campipe knows"};
    case AVERROR_PROTOCOL_NOT_FOUND:
      return {ExitCode::no_input, "libavformat does not speak this protocol"};
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_STREAM_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
      return {ExitCode::bad_data, "no video that campipe knows"};
    default:
      break;
  }
  if (is_network) {
    switch (averror) {
      case AVERROR(EIO):
        return {ExitCode::unavailable, "cannot reach it: unknown name or closed connection"};
      case AVERROR_EOF:
        return {ExitCode::unavailable, "the server closed the connection"};
      case AVERROR(EINVAL):
        return {ExitCode::no_input, "not a URL that libavformat understands"};
      default:
        return {ExitCode::unavailable, error_text(averror)};
    }
  }
  if (averror == AVERROR_EOF) return {ExitCode::bad_data, "it is empty"};
  if (averror > -4096) return {exit_code_for_errno(-averror), error_text(averror)};
  return {ExitCode::bad_data, error_text(averror)};
}

}  // namespace campipe::ffmpeg
