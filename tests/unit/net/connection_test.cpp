#include "net/connection.hpp"

#include <memory>
#include <new>
#include <stdexcept>

#include "net/net_helpers.hpp"

namespace campipe::net {
namespace {

struct Recorder : ConnectionHandler {
  void on_data(std::span<const std::byte> bytes) override {
    data.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void on_drained() override { ++drained; }
  void on_end() override { ended = true; }
  void on_failed(int error) override {
    failed = error;
    connection.reset();  // as an owner does
  }
  void on_fault() override {
    ++faults;
    if (faulty_cure) throw std::runtime_error("no cure");
    connection.reset();
  }
  std::string_view kind() const noexcept override { return "recorder"; }
  std::string data;
  bool faulty_cure = false;
  int faults = 0;
  int drained = 0, failed = 0;
  bool ended = false;
  std::unique_ptr<Connection> connection;
};

iovec part(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size()};
}

class ConnectionTest : public testing::Test {
protected:
  void open(int buffer_bytes) {
    auto [ours, theirs] = socket_pair(buffer_bytes);
    peer_ = std::move(theirs);
    recorder_.connection = std::make_unique<Connection>(loop_, std::move(ours), Address{}, recorder_);
  }
  Connection& connection() { return *recorder_.connection; }
  std::string read_peer(std::size_t at_most = 1 << 20) {
    std::string text(at_most, '\0');
    const ssize_t got = ::recv(peer_.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return text;
  }

  Loop loop_;
  Fd peer_;
  Recorder recorder_;
};

TEST_F(ConnectionTest, SmallWriteGoesOutAtOnce) {
  open(0);
  const std::array parts{part("head "), part("body")};
  EXPECT_TRUE(connection().write(parts));
  EXPECT_TRUE(connection().idle());
  EXPECT_EQ(read_peer(), "head body");
  EXPECT_EQ(connection().bytes_sent(), 9U);
}

TEST_F(ConnectionTest, BigWriteComesWholeAndHoldsItsOwner) {
  open(4096);
  auto owner = std::make_shared<std::string>(1 << 20, 'x');
  owner->back() = 'z';
  const std::array parts{part("<"), part(*owner), part(">")};
  EXPECT_FALSE(connection().write(parts, owner));
  EXPECT_TRUE(connection().send("after"));  // stays behind the write
  std::string got;
  turn_until(loop_, [&] {
    got += read_peer();
    return recorder_.drained == 1 && got.size() >= owner->size() + 7;
  });
  EXPECT_EQ(got.size(), owner->size() + 7);
  EXPECT_TRUE(got.starts_with("<xx"));
  EXPECT_TRUE(got.ends_with("xz>after"));
  EXPECT_EQ(owner.use_count(), 1);
}

TEST_F(ConnectionTest, TextBehindAWriteThatCouldFinishNowLeavesItToTheLoop) {
  open(4096);
  std::string text(256 << 10, 'x');
  ASSERT_FALSE(connection().write(std::array{part(text)}));
  const std::size_t room = connection().bytes_sent();
  open(4096);
  text.resize(room + 10);
  ASSERT_FALSE(connection().write(std::array{part(text)}));
  std::string got;
  for (std::string more = read_peer(); !more.empty(); more = read_peer()) got += more;
  // There is room in the socket now, and the loop has not seen it yet.
  ASSERT_TRUE(connection().send("t"));
  turn_until(loop_, [&] { return !(got += read_peer()).empty() && got.back() == 't'; });
  EXPECT_EQ(recorder_.drained, 1);
  EXPECT_EQ(got.size(), text.size() + 1);
}

TEST_F(ConnectionTest, WhatIsNotTakenAtOnceIsSentFromWhereItWasCopiedTo) {
  open(4096);
  std::string shared(1 << 20, 'a');
  for (std::size_t i = 0; i < shared.size(); ++i) shared[i] = static_cast<char>('a' + i % 23);
  const auto copy = std::make_shared<const std::string>(shared);
  const std::size_t taken = connection().try_write(std::array{part(shared)});
  ASSERT_GT(taken, 0U);
  ASSERT_LT(taken, shared.size());
  EXPECT_TRUE(connection().idle());  // it keeps nothing yet
  shared.assign(shared.size(), '-');
  const std::string_view all = *copy;
  connection().queue(std::array{part(all.substr(0, 1000)), part(all.substr(1000))}, taken, copy);
  EXPECT_FALSE(connection().idle());
  std::string got;
  turn_until(loop_, [&] { return got += read_peer(), recorder_.drained == 1 && got.size() == copy->size(); });
  EXPECT_EQ(got, *copy);
  EXPECT_EQ(copy.use_count(), 1);
}

TEST_F(ConnectionTest, ThousandsOfPartsGoOutInOrder) {
  open(0);
  std::vector<std::string> texts;
  std::vector<iovec> parts;
  std::string expected;
  for (int i = 0; i < 5000; ++i) texts.push_back(std::to_string(i) + ",");
  for (const std::string& text : texts) {
    parts.push_back(part(text));
    expected += text;
  }
  connection().write(parts);
  std::string got;
  turn_until(loop_, [&] {
    got += read_peer();
    return got.size() == expected.size();
  });
  EXPECT_EQ(got, expected);
}

TEST_F(ConnectionTest, TextsAreBounded) {
  open(4096);
  const std::string text(1 << 16, 'x');
  int accepted = 0;
  while (connection().send(text)) ASSERT_LT(++accepted, 100);
  EXPECT_GE(accepted, 3);
}

TEST_F(ConnectionTest, PeerThatLeavesIsToldOnce) {
  open(4096);
  peer_.reset();
  turn_until(loop_, [&] { return recorder_.ended || recorder_.failed != 0; });
}

TEST_F(ConnectionTest, WriteToAPeerThatLeftFailsLaterAndNotInTheCall) {
  open(4096);
  connection().set_reading(false);
  peer_.reset();
  const std::array parts{part("lost")};
  EXPECT_FALSE(connection().write(parts));
  EXPECT_EQ(recorder_.failed, 0);
  turn_until(loop_, [&] { return recorder_.failed != 0; });
  EXPECT_EQ(recorder_.failed, EPIPE);
}

TEST_F(ConnectionTest, NothingIsReadWhileReadingIsOff) {
  open(0);
  connection().set_reading(false);
  ASSERT_EQ(::send(peer_.get(), "abc", 3, 0), 3);
  for (int i = 0; i < 5; ++i) loop_.run_once(false);
  EXPECT_EQ(recorder_.data, "");
  connection().set_reading(true);
  turn_until(loop_, [&] { return recorder_.data == "abc"; });
}

TEST_F(ConnectionTest, ShutdownWaitsForWhatIsUnderWay) {
  open(4096);
  const std::string body(1 << 18, 'x');
  const std::array parts{part(body)};
  connection().write(parts);
  connection().shutdown_after_flush();
  std::size_t got = 0;
  bool end = false;
  turn_until(loop_, [&] {
    std::array<char, 65536> buffer{};
    const ssize_t n = ::recv(peer_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n == 0) end = true;
    if (n > 0) got += static_cast<std::size_t>(n);
    return end;
  });
  EXPECT_EQ(got, body.size());
}

struct Thrower : Recorder {
  void on_data(std::span<const std::byte> bytes) override {
    Recorder::on_data(bytes);
    if (leaves_first) connection.reset();
    throw std::bad_alloc();
  }
  bool leaves_first = false;
};

class FaultTest : public ConnectionTest {
protected:
  FaultTest() {
    open(0);
    auto [ours, theirs] = socket_pair();
    bad_peer_ = std::move(theirs);
    thrower_.connection = std::make_unique<Connection>(loop_, std::move(ours), Address{}, thrower_);
  }
  /// The connection beside the bad one still receives.
  void expect_other_lives() {
    ASSERT_EQ(::send(peer_.get(), "abc", 3, 0), 3);
    turn_until(loop_, [&] { return recorder_.data == "abc"; });
  }
  Fd bad_peer_;
  Thrower thrower_;
};

TEST_F(FaultTest, ExceptionInACallbackEndsThatConnectionOnly) {
  ASSERT_EQ(::send(bad_peer_.get(), "x", 1, 0), 1);
  turn_until(loop_, [&] { return thrower_.faults == 1; });
  EXPECT_EQ(thrower_.connection, nullptr);
  expect_other_lives();
}

TEST_F(FaultTest, ConnectionMayGoBeforeTheException) {
  thrower_.leaves_first = true;
  ASSERT_EQ(::send(bad_peer_.get(), "x", 1, 0), 1);
  turn_until(loop_, [&] { return thrower_.connection == nullptr; });
  EXPECT_EQ(thrower_.faults, 0);  // nobody is left to end
  expect_other_lives();
}

TEST_F(FaultTest, CureThatFailsLeavesAQuietConnection) {
  thrower_.faulty_cure = true;
  ASSERT_EQ(::send(bad_peer_.get(), "x", 1, 0), 1);
  turn_until(loop_, [&] { return thrower_.faults == 1; });
  ASSERT_EQ(::send(bad_peer_.get(), "y", 1, 0), 1);
  expect_other_lives();
  EXPECT_EQ(thrower_.data, "x");  // it is watched no longer
}

}  // namespace
}  // namespace campipe::net
