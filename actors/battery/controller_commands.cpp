// What users ask of a battery.
#include "actors/battery/controller.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bmsd::battery {

std::optional<Command> Controller::take_bms_command() {
  return std::exchange(to_bms_, std::nullopt);
}

CommandReply Controller::on_command(const Command& command, Now now) {
  CommandReply reply;
  reply.outcome.id = command.id;
  reply.outcome.kind = command.kind;
  reply.outcome.value = command.value;
  auto refuse = [&reply](Fault fault, const char* why) {
    reply.outcome.error = {fault, why};
    return reply;
  };
  auto forward = [&](bool able, Command to_bms) {
    if (!able) {
      return refuse(Fault::unsupported, "this BMS cannot do that");
    }
    reply.to_bms = to_bms;
    return reply;
  };
  const bool is_switch = command.value == 0.0 || command.value == 1.0;
  if (!std::isfinite(command.value)) {
    return refuse(Fault::rejected, "not a number");
  }
  switch (command.kind) {
  case CommandKind::force_charging_off:
  case CommandKind::force_discharging_off:
  case CommandKind::turn_balancing_off:
  case CommandKind::turn_heating_off: {
    if (!is_switch) {
      return refuse(Fault::rejected, "only 0 and 1 are allowed");
    }
    const bool able = command.kind == CommandKind::force_charging_off      ? capabilities_.charge_switch
                      : command.kind == CommandKind::force_discharging_off ? capabilities_.discharge_switch
                      : command.kind == CommandKind::turn_balancing_off    ? capabilities_.balance_switch
                                                                           : capabilities_.heat_switch;
    return forward(able, command);
  }
  case CommandKind::set_soc:
    if (command.value < 0.0 || command.value > 100.0) {
      return refuse(Fault::rejected, "only 0 to 100 % are allowed");
    }
    return forward(capabilities_.soc_reset && (command.value == 100.0 || !capabilities_.soc_reset_only_full), command);
  case CommandKind::reset_soc_to: status_.reset_soc_to = std::clamp(command.value, 0.0, 100.0); return reply;
  case CommandKind::reset_soc_apply: {
    if (command.value == 0.0) {
      return reply;
    }
    if (settings_.soc_calculation) {
      counter_.set(status_.reset_soc_to);
      return reply;
    }
    Command set = command;
    set.kind = CommandKind::set_soc;
    set.value = status_.reset_soc_to;
    return forward(capabilities_.soc_reset && (set.value == 100.0 || !capabilities_.soc_reset_only_full), set);
  }
  case CommandKind::history_clear: {
    if (command.value == 0.0) {
      return reply;
    }
    if (command.value != std::trunc(command.value) ||
        !history_.clear(static_cast<int>(std::clamp(command.value, 0.0, 99.0)), status_, float_pack_voltage(),
                        !invalid_since_)) {
      return refuse(Fault::rejected, "only 1 to 7 are allowed");
    }
    history_.show(status_.sample, status_.history, tick(now));
    return reply;
  }
  }
  return refuse(Fault::unsupported, "unknown command");
}

} // namespace bmsd::battery
