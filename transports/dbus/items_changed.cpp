#include "transports/dbus/items_changed.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
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

} // namespace

ItemsChanged::ItemsChanged() {
  bytes_ = {kByteOrder, kSignal, kNoReplyExpected, kVersion};
  bytes_.resize(kFieldsAt);
  put_field(kPath, "o", "/");
  put_field(kInterface, "s", "com.victronenergy.BusItem");
  put_field(kMember, "s", "ItemsChanged");
  put_field(kSignature, "g", "a{sa{sv}}");
  set_number(kFieldsSizeAt, static_cast<std::uint32_t>(bytes_.size() - kFieldsAt));
  align(8);
  body_ = bytes_.size();
  clear();
}

void ItemsChanged::clear() {
  bytes_.resize(body_);
  bytes_.resize(body_ + kArrayHead);
}

void ItemsChanged::add(const Item& item, bool with_limits) {
  align(8);
  put_string(item.path);
  align(4);
  const auto size_at = bytes_.size();
  put_number(0);
  align(8);
  const auto begin = bytes_.size();
  put_entry("Value", view(item.value));
  put_entry("Text", std::string_view(item.text));
  if (with_limits) {
    for (const auto& [key, limit] : {std::pair{"Min", &item.min}, {"Max", &item.max}, {"Default", &item.def}}) {
      if (*limit) {
        put_entry(key, view(**limit));
      }
    }
  }
  set_number(size_at, static_cast<std::uint32_t>(bytes_.size() - begin));
}

std::span<const std::uint8_t> ItemsChanged::finish() {
  set_number(body_, static_cast<std::uint32_t>(bytes_.size() - body_ - kArrayHead));
  set_number(kBodySizeAt, static_cast<std::uint32_t>(bytes_.size() - body_));
  set_number(kSerialAt, kFirstSerial | ++serial_);
  return bytes_;
}

void ItemsChanged::align(std::size_t to) {
  bytes_.resize((bytes_.size() + to - 1) / to * to);
}

void ItemsChanged::put_number(std::uint32_t number) {
  align(4);
  bytes_.resize(bytes_.size() + sizeof number);
  set_number(bytes_.size() - sizeof number, number);
}

void ItemsChanged::set_number(std::size_t at, std::uint32_t number) {
  std::memcpy(bytes_.data() + at, &number, sizeof number);
}

void ItemsChanged::put_string(std::string_view text) {
  put_number(static_cast<std::uint32_t>(text.size()));
  bytes_.insert(bytes_.end(), text.begin(), text.end());
  bytes_.push_back(0);
}

void ItemsChanged::put_signature(std::string_view signature) {
  bytes_.push_back(static_cast<std::uint8_t>(signature.size()));
  bytes_.insert(bytes_.end(), signature.begin(), signature.end());
  bytes_.push_back(0);
}

void ItemsChanged::put_field(std::uint8_t code, std::string_view signature, std::string_view value) {
  align(8);
  bytes_.push_back(code);
  put_signature(signature);
  signature == "g" ? put_signature(value) : put_string(value);
}

void ItemsChanged::put_variant(const ValueView& value) {
  if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isfinite(*real)) {
    put_signature("d");
    align(8);
    const auto raw = std::bit_cast<std::array<std::uint8_t, sizeof(double)>>(*real);
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
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
