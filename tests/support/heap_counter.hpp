#pragma once
#include <cstdint>

/// For a program that is linked with heap_counter: how many blocks it has allocated until now, freed ones included.
extern "C" std::int64_t heap_counter_allocations() noexcept;
