// A vector of at most N elements without heap memory, for what flows every second.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace bmsd {

/// push_back beyond the capacity is ignored and reported by its result; sizes come from
/// untrusted bytes, so a full vector is no bug.
template <class T, std::size_t N>
class InlineVector {
public:
  using value_type = T;

  static constexpr std::size_t capacity() { return N; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

  bool push_back(const T& value) {
    if (size_ == N) {
      return false;
    }
    items_[size_++] = value;
    return true;
  }

  /// New elements are value-initialised; a size above the capacity is cut.
  void resize(std::size_t size) {
    size = std::min(size, N);
    for (std::size_t i = size_; i < size; ++i) {
      items_[i] = T{};
    }
    size_ = size;
  }

  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T* begin() { return items_.data(); }
  T* end() { return items_.data() + size_; }
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size_; }
  std::span<const T> view() const { return {items_.data(), size_}; }

  friend bool operator==(const InlineVector& a, const InlineVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  std::array<T, N> items_{};
  std::size_t size_ = 0;
};

} // namespace bmsd
