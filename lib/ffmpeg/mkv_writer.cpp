#include "ffmpeg/mkv_writer.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "ffmpeg/error.hpp"

namespace campipe::ffmpeg {

namespace {

constexpr AVRational kMicroseconds{1, 1'000'000};

AVCodecID codec_id(media::VideoCodec codec) {
  switch (codec) {
    case media::VideoCodec::mjpeg:
      return AV_CODEC_ID_MJPEG;
    case media::VideoCodec::h264:
      return AV_CODEC_ID_H264;
    case media::VideoCodec::h265:
      return AV_CODEC_ID_HEVC;
    case media::VideoCodec::raw:
      break;
  }
  return AV_CODEC_ID_NONE;
}

AVCodecID codec_id(media::AudioCodec codec) {
  switch (codec) {
    case media::AudioCodec::aac:
      return AV_CODEC_ID_AAC;
    case media::AudioCodec::pcm_alaw:
      return AV_CODEC_ID_PCM_ALAW;
    case media::AudioCodec::pcm_mulaw:
      return AV_CODEC_ID_PCM_MULAW;
    case media::AudioCodec::opus:
      return AV_CODEC_ID_OPUS;
    case media::AudioCodec::mp3:
      return AV_CODEC_ID_MP3;
    case media::AudioCodec::pcm_s16le:
      return AV_CODEC_ID_PCM_S16LE;
  }
  return AV_CODEC_ID_NONE;
}

void set_extradata(AVCodecParameters* parameters, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  auto* copy = static_cast<std::uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (copy == nullptr) throw Error(ExitCode::os_error, "out of memory");
  std::memcpy(copy, bytes.data(), bytes.size());
  parameters->extradata = copy;
  parameters->extradata_size = static_cast<int>(bytes.size());
}

const char* muxer_name(MkvWriter::Format format) {
  return format == MkvWriter::Format::matroska ? "matroska" : "mpegts";
}

AVStream* new_stream(AVFormatContext* context) {
  AVStream* stream = avformat_new_stream(context, nullptr);
  if (stream == nullptr) throw Error(ExitCode::os_error, "out of memory");
  return stream;
}

}  // namespace

MkvWriter::MkvWriter(Format format, const media::StreamFormat& stream, std::int64_t start_us, WriteAt sink)
    : output_(muxer_name(format), std::move(sink)), format_(format), start_us_(start_us), packet_(av_packet_alloc()) {
  if (!packet_) throw Error(ExitCode::os_error, "out of memory");
  std::ranges::fill(last_dts_, std::numeric_limits<std::int64_t>::min());
  add_video(stream.video);
  if (stream.audio) add_audio(*stream.audio);
  AVFormatContext* context = output_.context();
  context->max_delay = 200'000;
  av_dict_set_int(&context->metadata, "campipe.start_unix_us", start_us, 0);
  const std::time_t seconds = start_us / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string time = std::string(text) + "." + std::to_string(1'000'000 + start_us % 1'000'000).substr(1) + "Z";
  av_dict_set(&context->metadata, "creation_time", time.c_str(), 0);
}

MkvWriter::~MkvWriter() = default;

void MkvWriter::add_video(const media::VideoFormat& format) {
  video_ = new_stream(output_.context());
  AVCodecParameters* parameters = video_->codecpar;
  parameters->codec_type = AVMEDIA_TYPE_VIDEO;
  parameters->codec_id = codec_id(format.codec);
  parameters->width = format.size.width_px;
  parameters->height = format.size.height_px;
  if (format.range == media::ColourRange::full) parameters->color_range = AVCOL_RANGE_JPEG;
  if (format.range == media::ColourRange::limited) parameters->color_range = AVCOL_RANGE_MPEG;
  set_extradata(parameters, format.parameter_sets);
  video_->time_base = kMicroseconds;
  if (format.frame_rate && format.frame_rate.num <= std::numeric_limits<int>::max() &&
      format.frame_rate.den <= std::numeric_limits<int>::max()) {
    video_->avg_frame_rate = {static_cast<int>(format.frame_rate.num), static_cast<int>(format.frame_rate.den)};
  }
}

void MkvWriter::add_audio(const media::AudioFormat& format) {
  audio_ = new_stream(output_.context());
  AVCodecParameters* parameters = audio_->codecpar;
  parameters->codec_type = AVMEDIA_TYPE_AUDIO;
  parameters->codec_id = codec_id(format.codec);
  parameters->sample_rate = format.sample_rate_hz;
  av_channel_layout_default(&parameters->ch_layout, format.channels);
  if (parameters->codec_id == AV_CODEC_ID_PCM_ALAW || parameters->codec_id == AV_CODEC_ID_PCM_MULAW) {
    parameters->bits_per_coded_sample = 8;
  }
  if (parameters->codec_id == AV_CODEC_ID_PCM_S16LE) parameters->bits_per_coded_sample = 16;
  set_extradata(parameters, format.extradata);
  audio_->time_base = kMicroseconds;
}

int MkvWriter::begin() {
  AVDictionary* options = nullptr;
  // Shifting all times because one packet is early would make the start time untrue.
  output_.context()->avoid_negative_ts = format_ == Format::matroska ? 0 : AVFMT_AVOID_NEG_TS_MAKE_NON_NEGATIVE;
  const int error = output_.begin(&options);
  av_dict_free(&options);
  begun_ = true;
  return error;
}

int MkvWriter::write(std::span<const media::Packet> batch) {
  if (!begun_) {
    if (const int error = begin(); error < 0) return error;
  }
  for (const media::Packet& packet : batch) {
    if (const int error = write_packet(packet); error < 0) return error;
  }
  return output_.flush();
}

int MkvWriter::write_packet(const media::Packet& packet) {
  const bool video = packet.track == media::Track::video;
  AVStream* stream = video ? video_ : audio_;
  if (stream == nullptr || packet.pts_us < start_us_) return 0;
  std::int64_t& last_dts = last_dts_[video ? 0 : 1];
  AVPacket* out = packet_.get();
  av_packet_unref(out);
  out->data =
      const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(packet.payload.data()));  // not written to
  out->size = static_cast<int>(packet.payload.size());
  out->stream_index = stream->index;
  out->pts = av_rescale_q(packet.pts_us - start_us_, kMicroseconds, stream->time_base);
  out->dts = av_rescale_q(media::decode_time_us(packet) - start_us_, kMicroseconds, stream->time_base);
  if (packet.keyframe) out->flags |= AV_PKT_FLAG_KEY;
  // Two frames within one tick: the muxers want times that go forward.
  if (last_dts != std::numeric_limits<std::int64_t>::min()) out->dts = std::max(out->dts, last_dts + 1);
  out->pts = std::max(out->pts, out->dts);
  last_dts = out->dts;
  return output_.write(out);
}

int MkvWriter::finish() {
  return begun_ ? output_.finish() : 0;
}

}  // namespace campipe::ffmpeg
