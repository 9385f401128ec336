// A model of how a raw ring's writer and its leasing readers share slots, walked through in every order in which their
// steps and their stores can happen. What it is a model of: write::RawSlots::acquire() and publish(), Leases::take(),
// RawView.
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace {

/// What can be left out of the protocol, to see that the model notices.
struct Protocol {
  bool writer_fence = true;    ///< between taking the number away and looking for locks
  bool writer_looks = true;    ///< for locks, after taking the number away
  bool reader_fence = true;    ///< between locking and looking at the number
  bool reader_checks = true;   ///< the number, after locking
  bool release_number = true;  ///< the new number is stored after the picture
};

constexpr int kReaders = 2, kModelSlots = 4, kFrames = 4;  // slots: a lease each, the newest, the one being written
constexpr std::uint8_t kTorn = 99;

// Memory: a number and a picture of each slot, and which slot is the newest.
constexpr int kNumber = 0, kPicture = kModelSlots, kHead = 2 * kModelSlots, kWords = kHead + 1;

/// A store that its processor has made and others do not see yet. Stores to different places may become seen in another
/// order than they were made (ARM64), unless the later one is a release.
struct Store {
  std::uint8_t place, value, release;
};

/// A processor: where its program is, what it remembers, and its stores that wait.
struct Processor {
  std::uint8_t step = 0, frame = 0, slot = 0, old = 0, dead = 0, waiting = 0;
  std::array<Store, 5> stores{};
};

struct State {
  std::array<std::uint8_t, kWords> memory{};
  std::array<std::uint8_t, kReaders> lock{};        // slot + 1; the kernel's own, but see Model::lock()
  std::array<Processor, kReaders + 1> processor{};  // the last is the writer

  std::string key() const { return {reinterpret_cast<const char*>(this), sizeof(*this)}; }
};
static_assert(std::has_unique_object_representations_v<State>);

class Model {
public:
  explicit Model(Protocol protocol) : protocol_(protocol) {}

  /// Walks all states; answers what went wrong, nothing when nothing can.
  std::optional<std::string> run() {
    State start;
    start.memory[kNumber] = 1;  // frame 1 is there, in slot 0
    start.memory[kPicture] = 1;
    start.memory[kHead] = pack(1, 0);
    start.processor[kReaders].frame = 1;
    visit(start);
    while (!todo_.empty() && !wrong_) {
      const State state = todo_.back();
      todo_.pop_back();
      if (!expand(state)) wrong_ = "somebody waits for ever";
    }
    return wrong_;
  }

  std::size_t states() const { return seen_.size(); }

private:
  static std::uint8_t pack(int frame, int slot) { return static_cast<std::uint8_t>(frame * 8 + slot); }

  void visit(const State& state) {
    if (seen_.insert(state.key()).second) todo_.push_back(state);
  }

  static void put(Processor& by, int place, int value, bool release = false) {
    by.stores.at(by.waiting++) = {static_cast<std::uint8_t>(place), static_cast<std::uint8_t>(value), release};
  }

  /// A processor sees its own stores at once.
  static std::uint8_t load(const State& state, const Processor& by, int place) {
    for (int i = by.waiting; i-- > 0;) {
      if (by.stores[static_cast<std::size_t>(i)].place == place) return by.stores[static_cast<std::size_t>(i)].value;
    }
    return state.memory[static_cast<std::size_t>(place)];
  }

  static bool locked(const State& state, int slot) {
    for (const std::uint8_t lock : state.lock) {
      if (lock == slot + 1) return true;
    }
    return false;
  }

  /// Lets stores become seen: one, in any order that is allowed.
  void drain(const State& state) {
    for (std::size_t p = 0; p < state.processor.size(); ++p) {
      const Processor& by = state.processor[p];
      for (std::uint8_t i = 0; i < by.waiting; ++i) {
        bool allowed = true;
        for (std::uint8_t j = 0; j < i; ++j) {
          allowed = allowed && by.stores[i].release == 0 && by.stores[j].place != by.stores[i].place;
        }
        if (!allowed) continue;
        State next = state;
        Processor& mine = next.processor[p];
        const Store store = mine.stores[i];
        std::copy(mine.stores.begin() + i + 1, mine.stores.end(), mine.stores.begin() + i);
        mine.stores.back() = {};
        --mine.waiting;
        // A lock that its owner did not fence may be seen late, too: the kernel looks at an empty list without a lock.
        if (store.place >= kWords) {
          next.lock[p] = store.value;
        } else {
          next.memory[store.place] = store.value;
        }
        visit(next);
      }
    }
  }

  /// All next states; answers whether there are any, or all is done.
  bool expand(const State& state) {
    const std::size_t before = moves_;
    drain(state);
    bool stores_wait = false, all_done = true;
    for (int p = 0; p <= kReaders; ++p) {
      const Processor& by = state.processor[static_cast<std::size_t>(p)];
      stores_wait = stores_wait || by.waiting > 0;
      if (by.dead != 0) continue;
      if (p == kReaders) {
        writer(state);
      } else {
        reader(state, static_cast<std::size_t>(p));
      }
      all_done = all_done && (p < kReaders || by.frame == kFrames);
    }
    return stores_wait || all_done || moves_ > before || wrong_;
  }

  void move(const State& next) {
    ++moves_;
    visit(next);
  }

  void writer(const State& state) {
    State next = state;
    Processor& me = next.processor[kReaders];
    switch (me.step) {
      case 0: {  // any slot that is not the newest and looks free
        if (me.frame == kFrames) return;
        bool any = false;
        for (int slot = 0; slot < kModelSlots; ++slot) {
          if (slot == load(state, me, kHead) % 8 || locked(state, slot)) continue;
          any = true;
          next = state;
          next.processor[kReaders].slot = static_cast<std::uint8_t>(slot);
          next.processor[kReaders].step = 1;
          move(next);
        }
        if (!any) wrong_ = "no slot is free";
        return;
      }
      case 1:
        me.old = load(state, me, kNumber + me.slot);
        put(me, kNumber + me.slot, 0);
        me.step = 2;
        return move(next);
      case 2:
        if (protocol_.writer_fence && me.waiting > 0) return;  // waits until its stores are seen
        if (protocol_.writer_looks && locked(state, me.slot)) {
          put(me, kNumber + me.slot, me.old, true);
          me.step = 0;
        } else {
          me.step = 3;
        }
        return move(next);
      case 3:
        if (me.waiting > 3) return;
        put(me, kPicture + me.slot, kTorn);
        me.step = 4;
        return move(next);
      case 4:
        if (me.waiting > 3) return;
        put(me, kPicture + me.slot, me.frame + 1);
        me.step = 5;
        return move(next);
      case 5:
        if (me.waiting > 3) return;
        put(me, kNumber + me.slot, me.frame + 1, protocol_.release_number);
        me.step = 6;
        return move(next);
      default:
        if (me.waiting > 3) return;
        ++me.frame;
        put(me, kHead, pack(me.frame, me.slot), protocol_.release_number);
        me.step = 0;
        return move(next);
    }
  }

  void reader(const State& state, std::size_t p) {
    die(state, p);
    State next = state;
    Processor& me = next.processor[p];
    const auto lock_place = kWords;  // stores there go to this processor's own lock
    switch (me.step) {
      case 0: {
        const std::uint8_t head = load(state, me, kHead);
        if (head / 8 == me.frame) return;  // nothing new
        me.old = static_cast<std::uint8_t>(head / 8);
        me.slot = head % 8;
        me.step = 1;
        return move(next);
      }
      case 1:
        if (protocol_.reader_fence) {
          next.lock[p] = static_cast<std::uint8_t>(me.slot + 1);
        } else {
          put(me, lock_place, me.slot + 1);
        }
        me.step = 2;
        return move(next);
      case 2:
        me.step = !protocol_.reader_checks || load(state, me, kNumber + me.slot) == me.old ? 3 : 5;
        return move(next);
      case 3:
      case 4:  // it looks twice: what it holds does not change
        if (const std::uint8_t seen = load(state, me, kPicture + me.slot); seen != me.old) {
          wrong_ = "frame " + std::to_string(me.old) + " was torn: " + std::to_string(seen);
          return;
        }
        if (++me.step == 5) me.frame = me.old;
        return move(next);
      default:
        if (me.waiting > 0) return;
        next.lock[p] = 0;
        me.step = 0;
        me.slot = me.old = 0;
        return move(next);
    }
  }

  /// A SIGKILL at any moment: the kernel drops the lock.
  void die(const State& state, std::size_t p) {
    State next = state;
    next.processor[p] = Processor{};
    next.processor[p].dead = 1;
    next.lock[p] = 0;
    visit(next);
  }

  Protocol protocol_;
  std::unordered_set<std::string> seen_;
  std::vector<State> todo_;
  std::optional<std::string> wrong_;
  std::size_t moves_ = 0;
};

TEST(LeaseModel, NothingIsTornAndNoSlotIsLostInAnyOrder) {
  Model model(Protocol{});
  EXPECT_EQ(model.run().value_or(""), "");
  EXPECT_GT(model.states(), 10'000U);
  RecordProperty("states", static_cast<int>(model.states()));
}

TEST(LeaseModel, EachPartOfTheProtocolIsNeeded) {
  EXPECT_TRUE(Model({.writer_fence = false}).run()) << "without the writer's fence";
  EXPECT_TRUE(Model({.writer_looks = false}).run()) << "without the writer's second look";
  EXPECT_TRUE(Model({.reader_fence = false}).run()) << "without the reader's fence";
  EXPECT_TRUE(Model({.reader_checks = false}).run()) << "without the reader's check";
  EXPECT_TRUE(Model({.release_number = false}).run()) << "without the release of the number";
}

}  // namespace
