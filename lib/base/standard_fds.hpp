#pragma once

namespace campipe {

/// Opens /dev/null on each of the descriptors 0 to 2 that is closed, so that nothing opened later gets such a number
/// and is read, written to or logged into by mistake. First of all in main(), before other threads.
void fill_standard_descriptors() noexcept;

/// Whether fill_standard_descriptors() found `fd` closed: it is no input and no output then.
bool standard_was_closed(int fd) noexcept;

}  // namespace campipe
