// What a peer or the hardware can do wrong, as a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace bmsd {

/// Kinds of failure; each has a counter.
enum class Fault : std::uint8_t {
  none,
  timeout,     ///< no answer, or not all of it, in time
  checksum,    ///< checksum or CRC wrong
  framing,     ///< start, end, length or address of the frame wrong, answer to another request
  refused,     ///< the BMS answered with an error status
  truncated,   ///< valid frame, but shorter than its content demands
  implausible, ///< valid frame with values that cannot be true
  unsupported, ///< this BMS or driver cannot do that
  link,        ///< the port is closed or broke down
  rejected,    ///< a request that is not allowed or out of range
  internal,    ///< a bug, contained
};

constexpr std::string_view to_string(Fault fault) {
  switch (fault) {
  case Fault::none: return "none";
  case Fault::timeout: return "timeout";
  case Fault::checksum: return "checksum";
  case Fault::framing: return "framing";
  case Fault::refused: return "refused";
  case Fault::truncated: return "truncated";
  case Fault::implausible: return "implausible";
  case Fault::unsupported: return "unsupported";
  case Fault::link: return "link";
  case Fault::rejected: return "rejected";
  case Fault::internal: return "internal";
  }
  return "unknown";
}

inline constexpr std::size_t kFaultKinds = 11;

struct Error {
  Fault fault = Fault::none;
  std::string detail; ///< for people: "end byte 0x00 instead of 0x77"

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("fault", self.fault);
    visit("detail", self.detail);
  }
  friend bool operator==(const Error&, const Error&) = default;
};

inline std::string to_string(const Error& error) {
  std::string text(to_string(error.fault));
  if (!error.detail.empty()) {
    text += ": " + error.detail;
  }
  return text;
}

/// A value or an Error. Shaped like C++23's std::expected.
template <class T>
class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }

private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const { return *error_; }

private:
  std::optional<Error> error_;
};

} // namespace bmsd
