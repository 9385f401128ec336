#include "remedy.hpp"

#include "wire/bare/plain_writers.hpp"

namespace campipe {

using capture::SourceKind;

std::string remedy_for(const Error& error, const GrabOptions& options) {
  const std::string& source = options.source.text;
  switch (error.code()) {
    case ExitCode::usage:
      if (options.output_format == wire::stream::OutputFormat::nut) return {};
      return ": camgrab does not encode: put camenc --output-format " + options.output_format_name + " behind it";
    case ExitCode::unavailable:
      return options.source.kind == SourceKind::network && !options.wait
                 ? ": are address and port right? --wait tries again until it answers"
                 : "";
    case ExitCode::bad_data:
      if (source.starts_with("http")) return ": is the path right? camserve has http://HOST:8080/stream/NAME";
      return options.source.kind == SourceKind::file && source.ends_with(".sdp") ? ": SDP files are not read yet" : "";
    default:
      return {};
  }
}

}  // namespace campipe
