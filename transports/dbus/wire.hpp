// Reading and writing sd-bus messages. Internal to transports/dbus: includes the systemd headers.
#pragma once

#include "messages/error.hpp"
#include "transports/dbus/value.hpp"

#include <systemd/sd-bus.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace bmsd::dbus {

inline constexpr const char* kBusItem = "com.victronenergy.BusItem";

struct BusClose {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
struct MessageUnref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
struct SlotUnref {
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
/// Closes without waiting for what has not been written yet.
using Bus = std::unique_ptr<sd_bus, BusClose>;
using Message = std::unique_ptr<sd_bus_message, MessageUnref>;
using Slot = std::unique_ptr<sd_bus_slot, SlotUnref>;

Message retain(sd_bus_message* message);
std::string error_text(int negative_errno);

// -- writing ------------------------------------------------------------------
// Errors of sd-bus stick to the message: a message that could not be built fails when it is sent.

void append_variant(sd_bus_message* message, const ValueView& value);
/// Dictionary entry of a{sv}.
void append_entry(sd_bus_message* message, const char* key, const ValueView& value);
/// Dictionary entry of a{sa{sv}}: path with Value and Text, with Min, Max and Default as well where they exist.
void append_item(sd_bus_message* message, const Item& item, bool with_limits);

// -- reading ------------------------------------------------------------------
/// The variant at the read position. Any integer or bool becomes int32 where it fits, else double; an empty array,
/// NaN and infinity become invalid. nullopt: some other content (skipped), or not a variant.
std::optional<Value> read_variant(sd_bus_message* message);
/// Calls `visit(key)` for each entry of the dictionary `a{s<content>}` at the read position; visit must consume the
/// entry's value. False: malformed.
bool read_dictionary(sd_bus_message* message, const char* content, const std::function<bool(const char* key)>& visit);
/// The entry `Value` of the a{sv} at the read position.
std::optional<Value> read_value_entry(sd_bus_message* message);

// -- calls --------------------------------------------------------------------
/// Reply, or nullptr with the reason: an error reply, no answer in time, bus gone.
using ReplyHandler = std::function<void(sd_bus_message* reply, const Error& error)>;
/// Sends without waiting. The handler runs once, from the connection's event processing; not at all when the
/// connection is closed by this side. False: could not be sent, the handler does not run.
bool call_async(sd_bus* bus, sd_bus_message* call, ReplyHandler handler);

} // namespace bmsd::dbus
