#include "net/message_parser.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include <llhttp.h>

namespace campipe::net {

namespace {

constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kMaxEmptyLines = 64;  // bytes of CR and LF
constexpr std::string_view kBlankLine = "\r\n\r\n";

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' || c == '!' || c == '$';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

/// Whether `head` begins as a request does, as far as it is there: a method, a space.
bool may_be_request(std::string_view head) {
  const std::size_t end = std::min(head.find(' '), head.size());
  return head.empty() || (end > 0 && end <= kMaxMethod && std::ranges::all_of(head.substr(0, end), is_token_char));
}

/// Whether a list with commas has that member.
bool has_member(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    if (equal_ignoring_case(trimmed(one), wanted)) return true;
    list.remove_prefix(std::min(one.size() + 1, list.size()));
  }
  return false;
}

std::string_view first_line(std::string_view head) {
  return head.substr(0, std::min(head.find('\r'), head.size()));
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* Request::header(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(headers, [&](const Header& h) { return equal_ignoring_case(h.name, name); });
  return found == headers.end() ? nullptr : &found->value;
}

std::size_t Request::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](const Header& h) { return equal_ignoring_case(h.name, name); }));
}

std::optional<std::string> Request::list(std::string_view name) const {
  std::optional<std::string> values;
  for (const Header& one : headers) {
    if (equal_ignoring_case(one.name, name)) values = values ? *values + ", " + one.value : one.value;
  }
  return values;
}

std::string_view describe(ParseError error) noexcept {
  switch (error) {
    case ParseError::malformed:
      return "malformed request";
    case ParseError::line_too_long:
      return "request line too long";
    case ParseError::headers_too_large:
      return "headers too large";
    case ParseError::body_too_large:
      return "body too large";
    case ParseError::bad_version:
      return "protocol version not supported";
  }
  return "?";
}

struct MessageParser::State {
  State(Dialect d, Limits l) : dialect(d), limits(l) {
    llhttp_settings_init(&settings);
    settings.on_method = [](llhttp_t* p, const char* at, std::size_t n) { return self(p).on_method(at, n); };
    settings.on_url = [](llhttp_t* p, const char* at, std::size_t n) { return self(p).on_url(at, n); };
    settings.on_header_field = [](llhttp_t* p, const char* at, std::size_t n) {
      return self(p).append(self(p).field, at, n);
    };
    settings.on_header_value = [](llhttp_t* p, const char* at, std::size_t n) {
      return self(p).append(self(p).value, at, n);
    };
    settings.on_header_value_complete = [](llhttp_t* p) { return self(p).on_header(); };
    settings.on_headers_complete = [](llhttp_t* p) { return self(p).on_headers_complete(); };
    settings.on_body = [](llhttp_t* p, const char* at, std::size_t n) { return self(p).on_body(at, n); };
    settings.on_message_complete = [](llhttp_t* p) {
      self(p).complete = true;
      return static_cast<int>(HPE_PAUSED);
    };
    begin();
  }

  static State& self(llhttp_t* p) { return *static_cast<State*>(p->data); }

  /// Each request gets a parser of its own: that of RTSP/1.0 would take its connection for closed after one.
  void begin() {
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = this;
    request = {};
    field.clear();
    value.clear();
    head.clear();
    header_bytes = empty_lines = 0;
    complete = headers_done = unknown_method = substituted = after_cr = false;
    error.reset();
  }

  /// Empty lines before a request are allowed (RFC 9112, 2.2), a few.
  std::size_t leading_newlines(std::string_view bytes) {
    const std::size_t count = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
    empty_lines += count;
    return count;
  }

  int fail(ParseError what) {
    error = what;
    return HPE_USER;
  }

  int append(std::string& to, const char* at, std::size_t n) {
    header_bytes += n;
    if (header_bytes > limits.headers_bytes) return fail(ParseError::headers_too_large);
    to.append(at, n);
    return 0;
  }

  int on_method(const char* at, std::size_t n) {
    if (!substituted) request.method.append(at, n);  // at most kMaxMethod, see may_be_request()
    return 0;
  }

  int on_url(const char* at, std::size_t n) {
    if (request.target.size() + n > limits.line_bytes) return fail(ParseError::line_too_long);
    request.target.append(at, n);
    return 0;
  }

  int on_header() {
    if (request.headers.size() == limits.headers) return fail(ParseError::headers_too_large);
    request.headers.push_back({std::string(trimmed(field)), std::string(trimmed(value))});
    field.clear();
    value.clear();
    return 0;
  }

  int on_headers_complete() {
    headers_done = true;
    request.major = parser.http_major;
    request.minor = parser.http_minor;
    if (!version_fits()) return fail(ParseError::bad_version);
    if (parser.content_length > limits.body_bytes) return fail(ParseError::body_too_large);
    request.keep_alive = keep_alive();
    return 0;
  }

  bool version_fits() const {
    const std::string_view line = first_line(head);
    const bool rtsp = line.substr(std::min(line.rfind(' '), line.size())).starts_with(" RTSP/");
    return rtsp == (dialect == Dialect::rtsp) && parser.http_major == 1 && (!rtsp || parser.http_minor == 0);
  }

  bool keep_alive() const {
    if (dialect == Dialect::http) return llhttp_should_keep_alive(&parser) != 0;
    const std::optional<std::string> connection = request.list("Connection");
    return !connection || !has_member(*connection, "close");
  }

  int on_body(const char* at, std::size_t n) {
    if (request.body.size() + n > limits.body_bytes) return fail(ParseError::body_too_large);
    request.body.append(at, n);
    return 0;
  }

  Expected<std::size_t, ParseError> feed(std::string_view bytes);
  Expected<std::size_t, ParseError> feed_lenient(std::string_view bytes);
  std::size_t find_bare_newline(std::string_view bytes) const;
  Expected<std::size_t, ParseError> execute(std::string_view bytes);
  Expected<std::size_t, ParseError> feed_unknown_method(std::string_view bytes);
  Unexpected<ParseError> failed(ParseError what) {
    error = what;
    return Unexpected(what);
  }

  Dialect dialect;
  Limits limits;
  llhttp_settings_t settings{};
  llhttp_t parser{};
  Request request;
  std::string field, value, head;
  std::size_t header_bytes = 0, empty_lines = 0;
  bool complete = false, headers_done = false;
  bool unknown_method = false, substituted = false;
  bool after_cr = false;  // the last byte fed of the head is CR
  std::optional<ParseError> error;
};

Expected<std::size_t, ParseError> MessageParser::State::feed(std::string_view bytes) {
  if (error) return Unexpected(*error);
  const bool in_head = !headers_done;
  if (in_head) {
    head.append(bytes.substr(head.empty() ? leading_newlines(bytes) : 0));
    if (empty_lines > kMaxEmptyLines) return failed(ParseError::malformed);
    if (!may_be_request(head)) return failed(ParseError::malformed);
    if (first_line(head).size() > limits.line_bytes) return failed(ParseError::line_too_long);
  }
  auto taken = unknown_method ? feed_unknown_method(bytes) : execute(bytes);
  if (headers_done) {
    const std::size_t end = head.find(kBlankLine);
    if (end != std::string::npos) head.resize(end + kBlankLine.size());
    // llhttp takes one LF alone for the empty line.
    if (in_head && taken && find_bare_newline(head) != std::string_view::npos) return failed(ParseError::malformed);
  } else if (taken && head.size() > limits.line_bytes + limits.headers_bytes) {
    return failed(ParseError::headers_too_large);
  }
  return taken;
}

/// Where the first LF without a CR before it is; npos when there is none.
std::size_t MessageParser::State::find_bare_newline(std::string_view bytes) const {
  std::size_t at = bytes.find('\n');
  while (at != std::string_view::npos && (at > 0 ? bytes[at - 1] == '\r' : after_cr)) at = bytes.find('\n', at + 1);
  return at;
}

/// Has each line of the head end in CR LF.
Expected<std::size_t, ParseError> MessageParser::State::feed_lenient(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !headers_done) {
    const std::string_view rest = bytes.substr(taken);
    const std::size_t newline = std::min(find_bare_newline(rest), rest.size());
    if (newline > 0) {
      const auto before = feed(rest.substr(0, newline));
      if (!before) return before;
      taken += *before;
      after_cr = rest[newline - 1] == '\r';
      if (headers_done) break;  // ended by CR LF: what comes behind is no head
    }
    if (newline == rest.size()) return taken;
    if (const auto line = feed("\r\n"); !line) return line;
    after_cr = false;
    ++taken;
  }
  if (complete || taken == bytes.size()) return taken;
  const auto body = feed(bytes.substr(taken));
  if (!body) return body;
  return taken + *body;
}

Expected<std::size_t, ParseError> MessageParser::State::execute(std::string_view bytes) {
  const llhttp_errno_t result = llhttp_execute(&parser, bytes.data(), bytes.size());
  if (result == HPE_OK) return bytes.size();
  if (complete && result == HPE_PAUSED) return static_cast<std::size_t>(llhttp_get_error_pos(&parser) - bytes.data());
  if (error) return Unexpected(*error);
  if (result == HPE_INVALID_METHOD && !unknown_method) {
    unknown_method = true;
    return feed_unknown_method(bytes);
  }
  return failed(result == HPE_INVALID_VERSION || result == HPE_PAUSED_H2_UPGRADE ? ParseError::bad_version
                                                                                 : ParseError::malformed);
}

/// llhttp stops at a method that it does not know, before the headers that the answer has to quote (CSeq). It gets one
/// that it knows in its place; so far `head` has nothing but the method.
Expected<std::size_t, ParseError> MessageParser::State::feed_unknown_method(std::string_view bytes) {
  if (!request.target.empty() || substituted) return execute(bytes);
  const std::size_t space = bytes.find(' ');
  if (space == std::string_view::npos) return bytes.size();
  const std::string method(first_line(head).substr(0, first_line(head).find(' ')));
  constexpr std::string_view kKnown = "OPTIONS";
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = this;
  llhttp_execute(&parser, kKnown.data(), kKnown.size());
  request.method = method;
  substituted = true;
  const auto taken = execute(bytes.substr(space));
  if (!taken) return taken;
  return space + *taken;
}

MessageParser::MessageParser(Dialect dialect, Limits limits) : state_(std::make_unique<State>(dialect, limits)) {}
MessageParser::~MessageParser() = default;

Expected<std::size_t, ParseError> MessageParser::feed(std::span<const std::byte> bytes) {
  if (state_->complete) return std::size_t{0};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return state_->dialect == Dialect::rtsp ? state_->feed_lenient(text) : state_->feed(text);
}

bool MessageParser::complete() const noexcept {
  return state_->complete;
}

bool MessageParser::started() const noexcept {
  return !state_->complete && !state_->head.empty();
}

bool MessageParser::expects_continue() const noexcept {
  if (state_->complete || !state_->headers_done || state_->request.minor < 1) return false;
  const std::string* expect = state_->request.header("Expect");
  return expect != nullptr && equal_ignoring_case(*expect, "100-continue");
}

Request MessageParser::take() {
  Request request = std::move(state_->request);
  state_->begin();
  return request;
}

std::string_view MessageParser::head() const noexcept {
  return state_->head;
}
void MessageParser::reset() {
  state_->begin();
}

}  // namespace campipe::net
