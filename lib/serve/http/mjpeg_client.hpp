#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/http_server.hpp"
#include "serve/hub/cursor.hpp"
#include "serve/hub/deliveries.hpp"
#include "serve/hub/hub.hpp"

namespace campipe::serve::http {

/// multipart/x-mixed-replace of one stream for one HTTP client: a part per picture, one writev(2) each. A part's
/// boundary is sent right behind the picture before it: browsers show a picture only when they see its end. WebKit does
/// so only when another picture follows; dual_final is for it where pictures come seldom.
class MjpegClient final : public net::StreamBody, public hub::Client {
public:
  struct Options {
    std::int64_t interval_us = 0;  ///< least media time between two pictures (?fps=); 0 sends all
    bool extra_headers = false;    ///< also ustreamer's names, ?extra_headers=1
    bool zero_data = false;        ///< headers alone, ?zero_data=1: to measure by
    bool dual_final = false;       ///< a picture with none behind it is sent twice, ?dual_final_frames=1
    hub::LagPolicy lag;
    std::int64_t requested_ns = 0;  ///< when it was asked for, on the stream's clock
  };

  MjpegClient(net::Loop& loop, hub::Hub& hub, hub::Stream& stream, const net::Address& peer, Options options);

  /// What answers the request.
  static net::HttpResponse head();

  void start(net::Connection& connection, End end) override;
  void on_drained() override;
  void on_closed(net::CloseReason reason) override;

  void on_units_available() override;
  void on_format_changed() override;
  void on_stream_ended() override;
  void end(std::string_view reason) override;
  void on_fault() override;

  std::string_view protocol() const override { return name(hub::Protocol::http_mjpeg); }
  std::string peer() const override { return peer_; }
  std::int64_t connected_at_us() const override { return connected_at_us_; }
  std::int64_t lag_us() const override { return cursor_.lag_us(); }
  hub::ClientCounters counters() const override { return cursor_.counters(); }

private:
  void pump();
  void send(const hub::UnitPtr& unit, bool again = false);
  void send_again();
  void count_rate(std::int64_t now_ns);
  void settle();
  bool due(const hub::Unit& unit);
  void append_head(const hub::Unit& unit);
  void append_extra_headers(const hub::Unit& unit);
  bool over() const;

  hub::Hub& hub_;
  std::shared_ptr<hub::Stream> stream_;
  std::string peer_;
  Options options_;
  std::int64_t connected_at_us_;
  hub::Cursor cursor_;
  hub::DeliveryMeter meter_;
  hub::Attachment attachment_;
  net::Connection* connection_ = nullptr;  // until on_closed()
  End end_;
  std::string part_head_;  // of the write under way
  std::optional<std::int64_t> next_due_us_;
  hub::UnitPtr newest_;                // with dual_final: what was sent last, once
  std::unique_ptr<net::Timer> again_;  // with dual_final
  std::int64_t second_ = 0;            // of the stream's clock, that pictures are counted in
  int sent_in_second_ = 0, rate_ = 0;
  bool pumping_ = false;
};

}  // namespace campipe::serve::http
