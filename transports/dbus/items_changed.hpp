// The ItemsChanged signal as bytes. It is nine tenths of what bmsd sends, and sd-bus takes a dozen allocations for
// each of its items: one for every container. Pure; no D-Bus headers.
//
// Source: D-Bus Specification 0.41, Message Protocol (marshalling, header fields).
#pragma once

#include "transports/dbus/value.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bmsd::dbus {

/// One object is used again and again and keeps its memory.
class ItemsChanged {
public:
  ItemsChanged();

  void clear();
  /// Path, texts and values are clean (is_clean, is_object_path). `with_limits`: Min, Max and Default too, where they
  /// exist.
  void add(const Item& item, bool with_limits);
  /// The whole message, in the byte order of this machine; valid until the next call.
  std::span<const std::uint8_t> finish();

private:
  struct Head;
  struct Heads;

  void make_room(std::size_t size);
  void align(std::size_t to);
  void put_bytes(std::string_view bytes);
  void put_byte(std::uint8_t byte);
  void put_number(std::uint32_t number);
  void set_number(std::size_t at, std::uint32_t number);
  void put_string(std::string_view text);
  void put_signature(std::string_view signature);
  void put_field(std::uint8_t code, std::string_view signature, std::string_view value);
  void put_head(const Head& head);
  void put_entry(const Heads& heads, const Value& value);

  std::vector<std::uint8_t> bytes_; ///< the message and room behind it
  std::size_t size_ = 0;            ///< of the message
  std::size_t body_ = 0;            ///< where it begins
  std::uint32_t serial_ = 0;
};

} // namespace bmsd::dbus
