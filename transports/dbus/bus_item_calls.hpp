// Answers method calls on a tree of com.victronenergy.BusItem objects. Internal to transports/dbus.
#pragma once

#include "transports/dbus/item_tree.hpp"
#include "transports/dbus/wire.hpp"

namespace bmsd::dbus {

/// Answers of SetValue.
enum SetResult : int { kAccepted = 0, kNotWritable = 1, kRefused = 2 };

/// A write that passed all checks: path writable, value converted to the type of the path and within its limits, and
/// different from the present one. Whoever takes it answers `call` later.
using WriteSink = std::function<void(Item& item, Value value, Message call)>;

/// Hears of writes that did not pass them and have been answered: kNotWritable, also for a wrong type, or kRefused.
using RefusalSink = std::function<void(const Item& item, SetResult result)>;

/// Answers every call at once but accepted writes, which go to `sink`.
void answer_call(ItemTree& tree, sd_bus_message* call, const WriteSink& sink, const RefusalSink& refused);
void answer_write(sd_bus_message* call, int result);

} // namespace bmsd::dbus
