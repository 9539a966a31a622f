// How a message names its fields: once, in a static member
//
//   template <class Self, class Visitor> static void fields(Self& self, Visitor&& visit) {
//     visit("voltage", self.voltage);
//   }
//
// Printing, JSON and CAF inspection are made from that list.
#pragma once

#include <string_view>
#include <type_traits>

namespace bmsd {

namespace detail {
struct AnyVisitor {
  template <class T>
  void operator()(std::string_view, T&) const {}
};
} // namespace detail

template <class T>
concept Reflected = requires(T& value) {
  std::remove_cv_t<T>::fields(value, detail::AnyVisitor{});
};

} // namespace bmsd
