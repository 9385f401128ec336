#pragma once
#include <cstdint>

#include "ring/layout/format.hpp"

namespace campipe::ring::layout {

/// The table of a ring's formats: generation g lies in record g modulo kFormats.
void put_format(FormatRecord* table, std::uint32_t generation, const Format& format) noexcept;

/// Answers false when it is not (any more) there, or is none of ours.
bool get_format(const FormatRecord* table, std::uint32_t generation, Format& format);

}  // namespace campipe::ring::layout
