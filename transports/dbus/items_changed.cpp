#include "transports/dbus/items_changed.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace bmsd::dbus {

/// Key and signature of an entry a{sv}, padded for the value that follows. Entries begin at multiples of 8.
struct ItemsChanged::Head {
  static constexpr std::size_t kRoom = 16;

  constexpr Head(std::string_view key, std::string_view signature, std::size_t alignment) {
    const auto length = std::bit_cast<std::array<std::uint8_t, 4>>(static_cast<std::uint32_t>(key.size()));
    auto* end = std::copy(length.begin(), length.end(), bytes.begin());
    end = std::copy(key.begin(), key.end(), end) + 1;
    *end++ = static_cast<std::uint8_t>(signature.size());
    end = std::copy(signature.begin(), signature.end(), end) + 1;
    size = (static_cast<std::size_t>(end - bytes.begin()) + alignment - 1) / alignment * alignment;
  }

  std::array<std::uint8_t, kRoom> bytes{};
  std::size_t size = 0;
};

/// Those of one key, by the type of the value.
struct ItemsChanged::Heads {
  constexpr explicit Heads(std::string_view key)
      : real(key, "d", 8), integer(key, "i", 4), text(key, "s", 4), invalid(key, "ai", 4) {}
  Head real, integer, text, invalid;
};

namespace {

constexpr std::uint8_t kByteOrder = std::endian::native == std::endian::little ? 'l' : 'B';
constexpr std::uint8_t kSignal = 4, kNoReplyExpected = 1, kVersion = 1;
constexpr std::uint8_t kPath = 1, kInterface = 2, kMember = 3, kSignature = 8;
constexpr std::size_t kBodySizeAt = 4, kSerialAt = 8, kFieldsSizeAt = 12, kFieldsAt = 16;
/// Far from those that sd-bus counts up on the same connection; nobody answers a signal.
constexpr std::uint32_t kFirstSerial = 0x8000'0000;
constexpr std::size_t kArrayHead = 8; ///< size and padding before the first entry of the body
constexpr std::size_t kMaxPadding = 8;
/// More than the header, and than an item needs beside its strings.
constexpr std::size_t kFixedRoom = 512;

std::size_t length(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? text->size() : 0;
}

std::size_t length(const WriteLimits& limits) {
  std::size_t sum = 0;
  for (const auto* limit : {&limits.min, &limits.max, &limits.def}) {
    sum += *limit ? length(**limit) : 0;
  }
  return sum;
}

} // namespace

ItemsChanged::ItemsChanged() {
  make_room(kFixedRoom);
  for (const auto byte : {kByteOrder, kSignal, kNoReplyExpected, kVersion}) {
    put_byte(byte);
  }
  size_ = kFieldsAt;
  put_field(kPath, "o", "/");
  put_field(kInterface, "s", "com.victronenergy.BusItem");
  put_field(kMember, "s", "ItemsChanged");
  put_field(kSignature, "g", "a{sa{sv}}");
  set_number(kFieldsSizeAt, static_cast<std::uint32_t>(size_ - kFieldsAt));
  align(8);
  body_ = size_;
  clear();
}

void ItemsChanged::clear() {
  size_ = body_ + kArrayHead;
}

/// The only place that makes the buffer longer: all else writes without asking.
void ItemsChanged::make_room(std::size_t size) {
  if (bytes_.size() < size_ + size + kMaxPadding) {
    bytes_.resize(2 * bytes_.size() + size + kMaxPadding);
  }
}

void ItemsChanged::add(const Item& item, bool with_limits) {
  static constexpr Heads kValue("Value"), kMin("Min"), kMax("Max"), kDefault("Default");
  static constexpr Head kText("Text", "s", 4);
  const auto* limits = with_limits ? item.writable.get() : nullptr;
  make_room(kFixedRoom + item.path.size() + item.text.size() + length(item.value) + (limits ? length(*limits) : 0));
  align(8);
  put_string(item.path);
  align(4);
  const auto size_at = size_;
  put_number(0);
  align(8);
  const auto begin = size_;
  put_entry(kValue, item.value);
  put_head(kText);
  put_string(item.text);
  if (limits != nullptr) {
    for (const auto& [heads, limit] :
         {std::pair{&kMin, &limits->min}, {&kMax, &limits->max}, {&kDefault, &limits->def}}) {
      if (*limit) {
        put_entry(*heads, **limit);
      }
    }
  }
  set_number(size_at, static_cast<std::uint32_t>(size_ - begin));
}

std::span<const std::uint8_t> ItemsChanged::finish() {
  set_number(body_, static_cast<std::uint32_t>(size_ - body_ - kArrayHead));
  set_number(kBodySizeAt, static_cast<std::uint32_t>(size_ - body_));
  set_number(kSerialAt, kFirstSerial | ++serial_);
  return std::span(bytes_).first(size_);
}

void ItemsChanged::align(std::size_t to) {
  std::memset(bytes_.data() + size_, 0, kMaxPadding);
  size_ = (size_ + to - 1) / to * to;
}

void ItemsChanged::put_bytes(std::string_view bytes) {
  if (!bytes.empty()) { // memcpy may not be told nullptr, even for nothing
    std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
  }
  size_ += bytes.size();
}

void ItemsChanged::put_byte(std::uint8_t byte) {
  bytes_[size_++] = byte;
}

void ItemsChanged::put_number(std::uint32_t number) {
  align(4);
  set_number(size_, number);
  size_ += sizeof number;
}

void ItemsChanged::set_number(std::size_t at, std::uint32_t number) {
  std::memcpy(bytes_.data() + at, &number, sizeof number);
}

void ItemsChanged::put_string(std::string_view text) {
  put_number(static_cast<std::uint32_t>(text.size()));
  put_bytes(text);
  put_byte(0);
}

void ItemsChanged::put_signature(std::string_view signature) {
  put_byte(static_cast<std::uint8_t>(signature.size()));
  put_bytes(signature);
  put_byte(0);
}

void ItemsChanged::put_field(std::uint8_t code, std::string_view signature, std::string_view value) {
  align(8);
  put_byte(code);
  put_signature(signature);
  signature == "g" ? put_signature(value) : put_string(value);
}

void ItemsChanged::put_head(const Head& head) {
  align(8);
  std::memcpy(bytes_.data() + size_, head.bytes.data(), head.bytes.size());
  size_ += head.size;
}

void ItemsChanged::put_entry(const Heads& heads, const Value& value) {
  if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isfinite(*real)) {
    put_head(heads.real);
    std::memcpy(bytes_.data() + size_, real, sizeof *real);
    size_ += sizeof *real;
  } else if (const auto* integer = std::get_if<std::int32_t>(&value)) {
    put_head(heads.integer);
    put_number(static_cast<std::uint32_t>(*integer));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    put_head(heads.text);
    put_string(*text);
  } else {
    put_head(heads.invalid);
    put_number(0); // an empty array
  }
}

} // namespace bmsd::dbus
