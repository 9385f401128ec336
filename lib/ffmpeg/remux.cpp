#include <algorithm>
#include <vector>

#include "ffmpeg/mkv_writer.hpp"

namespace campipe::ffmpeg {

namespace {

int open_input(const std::string& path, InputContextPtr& input) {
  AVFormatContext* raw = nullptr;
  const AVInputFormat* matroska = av_find_input_format("matroska");
  const int opened = avformat_open_input(&raw, ("file:" + path).c_str(), matroska, nullptr);
  input.reset(raw);
  return opened < 0 ? opened : avformat_find_stream_info(raw, nullptr);
}

int copy_streams(const AVFormatContext* input, AVFormatContext* output) {
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    AVStream* stream = avformat_new_stream(output, nullptr);
    if (stream == nullptr) return AVERROR(ENOMEM);
    if (const int error = avcodec_parameters_copy(stream->codecpar, input->streams[i]->codecpar); error < 0)
      return error;
    stream->codecpar->codec_tag = 0;
    stream->time_base = input->streams[i]->time_base;
    stream->avg_frame_rate = input->streams[i]->avg_frame_rate;
  }
  return av_dict_copy(&output->metadata, input->metadata, 0);
}

int copy_packets(AVFormatContext* input, MuxerOutput& output, RemuxResult& result) {
  const PacketPtr packet(av_packet_alloc());
  if (!packet) return AVERROR(ENOMEM);
  // The end is where reading fails: that is what a file that was cut off looks like.
  for (; av_read_frame(input, packet.get()) >= 0; av_packet_unref(packet.get())) {  // the muxer only looks at it
    const AVStream* from = input->streams[packet->stream_index];
    if (packet->stream_index >= static_cast<int>(output.context()->nb_streams)) break;
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) != 0) continue;
    if (from->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
      ++result.frames;
      const std::int64_t end =
          av_rescale_q(packet->pts + std::max<std::int64_t>(packet->duration, 0), from->time_base, {1, 1'000'000});
      result.duration_us = std::max(result.duration_us, end);
    }
    av_packet_rescale_ts(packet.get(), from->time_base, output.context()->streams[packet->stream_index]->time_base);
    packet->pos = -1;
    if (const int error = output.write(packet.get()); error < 0) return error;
  }
  return 0;
}

}  // namespace

int remux_matroska(const std::string& path, WriteAt sink, RemuxResult& result) {
  InputContextPtr input;
  if (const int error = open_input(path, input); error < 0) return error;
  MuxerOutput output("matroska", std::move(sink));
  if (const int error = copy_streams(input.get(), output.context()); error < 0) return error;
  output.context()->avoid_negative_ts = 0;
  if (const int error = output.begin(nullptr); error < 0) return error;
  if (const int error = copy_packets(input.get(), output, result); error < 0) return error;
  return output.finish();
}

}  // namespace campipe::ffmpeg
