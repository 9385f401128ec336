#include <array>

#include "watch/chain/chain.hpp"

/// The pipes of a chain.
namespace campipe::watch::chain {

void Chain::make_link(std::size_t edge) {
  Pipe pipe = make_pipe();
  links_[edge] = {.read_end = std::move(pipe.read_end),
                  .write_end = std::move(pipe.write_end),
                  .made = true,
                  .draining = false,
                  .unread_since = config::Duration(0),
                  .open_since = host_.loop.now()};
}

/// Those that are not there yet. Throws Error: there may be no descriptors left.
void Chain::make_links_of(std::size_t i) {
  for (std::size_t e = 0; e < links_.size(); ++e) {
    const config::Edge& edge = wiring_.edges[e];
    if (links_[e].made || (edge.from != i && edge.to != i)) continue;
    make_link(e);
    if (stage(edge.to).phase() == Stage::Phase::waiting && !stage(edge.to).config().required) drain(e);
  }
}

void Chain::close_link(std::size_t edge) {
  stop_draining(edge);
  links_[edge] = {};
}

void Chain::close_links() {
  for (std::size_t e = 0; e < links_.size(); ++e) close_link(e);
}

/// Throws away what waits in a pipe without a reader. Its descriptor stays blocking (that is shared with the stages),
/// so only what is there is read.
void Chain::drain(std::size_t edge) {
  Link& link = links_[edge];
  if (!link.read_end || link.draining) return;
  link.draining = true;
  host_.loop.watch(link.read_end.get(), EPOLLIN, [this, edge](std::uint32_t events) {
    std::array<char, 65536> bytes;
    const bool readable = (events & EPOLLIN) != 0;
    if (!readable || ::read(links_[edge].read_end.get(), bytes.data(), bytes.size()) <= 0) stop_draining(edge);
  });
}

void Chain::stop_draining(std::size_t edge) {
  Link& link = links_[edge];
  if (link.draining) host_.loop.unwatch(link.read_end.get());
  link.draining = false;
}

void Chain::drain_inputs_of(std::size_t i) {
  for (std::size_t e = 0; e < links_.size(); ++e) {
    if (wiring_.edges[e].to == i) drain(e);
  }
}

}  // namespace campipe::watch::chain
