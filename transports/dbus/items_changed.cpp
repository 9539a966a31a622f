#include "transports/dbus/items_changed.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace bmsd::dbus {

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

std::size_t length(const std::optional<Value>& value) {
  return value ? length(*value) : 0;
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
  make_room(kFixedRoom + item.path.size() + item.text.size() + length(item.value) + length(item.min) +
            length(item.max) + length(item.def));
  align(8);
  put_string(item.path);
  align(4);
  const auto size_at = size_;
  put_number(0);
  align(8);
  const auto begin = size_;
  put_entry("Value", view(item.value));
  put_entry("Text", std::string_view(item.text));
  if (with_limits) {
    for (const auto& [key, limit] : {std::pair{"Min", &item.min}, {"Max", &item.max}, {"Default", &item.def}}) {
      if (*limit) {
        put_entry(key, view(**limit));
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
  std::copy(bytes.begin(), bytes.end(), bytes_.data() + size_);
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

void ItemsChanged::put_variant(const ValueView& value) {
  if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isfinite(*real)) {
    put_signature("d");
    align(8);
    std::memcpy(bytes_.data() + size_, real, sizeof *real);
    size_ += sizeof *real;
  } else if (const auto* integer = std::get_if<std::int32_t>(&value)) {
    put_signature("i");
    put_number(static_cast<std::uint32_t>(*integer));
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    put_signature("s");
    put_string(*text);
  } else {
    put_signature("ai"); // empty: invalid
    put_number(0);
  }
}

void ItemsChanged::put_entry(std::string_view key, const ValueView& value) {
  align(8);
  put_string(key);
  put_variant(value);
}

} // namespace bmsd::dbus
