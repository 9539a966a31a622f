// CVL, the charge voltage limit of the pack: phases, protection of single cells, float transition.
#pragma once

#include "actors/battery/charge_phase.hpp"
#include "actors/battery/overvoltage_control.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace bmsd::battery {

enum class ChargeMode : std::uint8_t {
  fixed, ///< CVCM_ENABLE = False
  bulk,
  absorption,
  float_transition,
  floating,
  unknown, ///< no cell voltages at all: float voltage
};

constexpr std::string_view to_string(ChargeMode mode) {
  switch (mode) {
  case ChargeMode::fixed: return "fixed";
  case ChargeMode::bulk: return "bulk";
  case ChargeMode::absorption: return "absorption";
  case ChargeMode::float_transition: return "float_transition";
  case ChargeMode::floating: return "float";
  case ChargeMode::unknown: return "unknown";
  }
  return "?";
}

class VoltageLimit {
public:
  struct State {
    std::optional<Microvolts> cvl;
    Microvolts pack_min = 0, pack_max = 0;
    Microvolts ceiling = 0; ///< no phase may ask for more
    bool at_reset_voltage = false;
    ChargeMode mode = ChargeMode::bulk;
    std::int64_t transition_at = 0; ///< s
    Microvolts transition_from = 0;
    std::int64_t transition_for = 0;             ///< s
    std::optional<std::int64_t> above_normal_at; ///< s, CVL last above the normal maximum
    ChargePhase::State phase;
    OvervoltageControl::State overvoltage;
    SocResetPlan::State reset;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("cvl", self.cvl);
      visit("pack_min", self.pack_min);
      visit("pack_max", self.pack_max);
      visit("ceiling", self.ceiling);
      visit("at_reset_voltage", self.at_reset_voltage);
      visit("mode", self.mode);
      visit("transition_at", self.transition_at);
      visit("transition_from", self.transition_from);
      visit("transition_for", self.transition_for);
      visit("above_normal_at", self.above_normal_at);
      visit("phase", self.phase);
      visit("overvoltage", self.overvoltage);
      visit("reset", self.reset);
    }
  };

  struct Input {
    const CellView* cells = nullptr;
    std::optional<double> soc;              ///< %
    std::optional<double> bms_max, bms_min; ///< V, pack, as stated by the BMS
    bool outage = false;                    ///< failed or invalid polls since the last call
  };

  explicit VoltageLimit(const BatterySettings& settings);

  /// One good sample. True in the cycle in which the battery became full.
  bool update(const Input& input, const Tick& now);

  Microvolts cvl() const { return state_.cvl.value_or(0); }
  /// In V. On the way down to float not the rounded microvolts but the difference that the reference
  /// driver forms, so that half a hundredth rounds to the same side.
  double cvl_volts() const;
  bool known() const { return state_.cvl.has_value(); }
  Microvolts pack_min() const { return state_.pack_min; }
  Microvolts pack_max() const { return state_.pack_max; }
  /// Whether a BMS can mean that as the charge voltage of its pack.
  bool can_be_maximum(double volts, int cells) const;
  /// Float voltage of the pack.
  Microvolts float_voltage(int cells) const { return pack_uv(float_cell_, cells); }
  /// What a battery that cannot be seen may have at most.
  Microvolts safe_voltage(int cells) const;

  ChargeMode mode() const { return state_.mode; }
  Overvoltage overvoltage() const;
  /// Charging to the voltage of the SoC reset.
  bool at_reset_voltage() const { return state_.at_reset_voltage; }
  /// CVL is, or was during the last 30 minutes, above MAX_CELL_VOLTAGE times n.
  bool above_normal(const Tick& now) const;

  const ChargePhase& phase() const { return phase_; }
  const OvervoltageControl& control() const { return overvoltage_; }
  const SocResetPlan& reset_plan() const { return plan_; }
  SocResetPlan& reset_plan() { return plan_; }
  ChargePhase& phase() { return phase_; }

  State state() const;
  void restore(const State& state);

private:
  void set_pack_limits(const Input& input);
  void charge(const Input& input, const Tick& now);
  void follow_float(bool became_full, int cells, const Tick& now);

  double min_cell_, max_cell_, float_cell_, reset_cell_;
  bool control_, use_bms_limits_, integral_;
  State state_; ///< without the states of the parts
  SocResetPlan plan_;
  ChargePhase phase_;
  OvervoltageControl overvoltage_;
};

} // namespace bmsd::battery
