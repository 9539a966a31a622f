// A battery's memory as Victron's settings service keeps it, under the names and in the forms of
// dbus-serialbattery, so that a user may change from one to the other. Pure; any thread.
//
// AllowMaxVoltage i, MaxVoltageStartTime i (s since the epoch, 0: none), SocCalc s (%, "": none),
// SocResetLastReached i (s since the epoch, 0: none), HistoryValues s (JSON).
#pragma once

#include "actors/battery/saved_state.hpp"
#include "actors/interfaces.hpp"

namespace bmsd::actors {

KeptValues kept_values(const battery::SavedState& state);
/// What is missing or makes no sense is left at its default. nullopt: nothing worth taking over.
std::optional<battery::SavedState> state_of(const KeptValues& kept);

/// Whether the charge state has changed, which is worth keeping sooner than all the rest.
bool same_charge_state(const battery::SavedState& a, const battery::SavedState& b);

/// `value` in the type that a setting already has: int, double and text stand for each other.
dbus::Value in_type_of(const dbus::Value& setting, const dbus::Value& value);

} // namespace bmsd::actors
