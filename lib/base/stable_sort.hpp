#pragma once
#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace campipe {

/// Sorts by `key`, the least first; items with the same key stay in their order. Instead of std::stable_sort, whose
/// buffer libstdc++ 12 gets by what C++23 deprecates: newer compilers warn of it.
template <class T, class Key>
void stable_sort_by(std::vector<T>& items, Key&& key) {
  using Value = decltype(key(items.front()));
  std::vector<std::pair<Value, std::size_t>> order;
  order.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) order.emplace_back(key(items[i]), i);
  std::ranges::sort(order);
  std::vector<T> sorted;
  sorted.reserve(items.size());
  for (const auto& [value, index] : order) sorted.push_back(std::move(items[index]));
  items = std::move(sorted);
}

}  // namespace campipe
