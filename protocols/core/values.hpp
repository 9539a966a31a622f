// What most protocols say in the same way: cell voltages in a row, balancing bits, temperature sensors,
// a low SoC. Pure; any thread.
#pragma once

#include "protocols/core/decode.hpp"
#include "protocols/core/protocol.hpp"

#include <array>
#include <cmath>
#include <concepts>
#include <optional>
#include <string>

namespace bmsd::protocols {

inline constexpr double kHighestCellVoltage = 5.0; ///< V; no chemistry gets there

/// `count` cells from `offset` on; `mask` leaves out flag bits. All voltages are handed on: whether 0 V is a free input
/// or a broken wire, or 9 V can be true, control decides.
inline Result<void> read_cells(ByteView data, std::size_t offset, std::size_t count, Sample& out,
                               Wire wire = Wire::u16be, double per_unit = 1000, std::int64_t mask = 0xFFFF) {
  if (count == 0 || count > kMaxCells) {
    return Error{Fault::implausible, std::to_string(count) + " cells"};
  }
  if (offset + count * width(wire) > data.size()) {
    return Error{Fault::truncated, std::to_string(data.size()) + " bytes, too short for " + std::to_string(count) +
                                       " cells from offset " + std::to_string(offset)};
  }
  out.cell_voltages.clear();
  for (std::size_t cell = 0; cell < count; ++cell) {
    out.cell_voltages.push_back(static_cast<double>(integer(data, offset + cell * width(wire), wire) & mask) /
                                per_unit);
  }
  out.cell_count = static_cast<int>(count);
  return {};
}

/// The same where they prove what the reply is: a cell above kHighestCellVoltage is Fault::implausible.
inline Result<void> decode_cells(ByteView data, std::size_t offset, std::size_t count, Sample& out,
                                 Wire wire = Wire::u16be, double per_unit = 1000, std::int64_t mask = 0xFFFF) {
  auto read = read_cells(data, offset, count, out, wire, per_unit, mask);
  for (std::size_t cell = 0; read && cell < out.cell_voltages.size(); ++cell) {
    if (*out.cell_voltages[cell] > kHighestCellVoltage) {
      read = Error{Fault::implausible, "voltage of cell " + std::to_string(cell + 1)};
    }
  }
  return read;
}

/// Fault::implausible if the pack's voltage is more than `cells` cells can have; 0: their number is not known yet.
inline Result<void> check_voltage(const Sample& out, std::size_t cells) {
  return cells != 0 && out.voltage.value_or(0) > kHighestCellVoltage * static_cast<double>(cells)
             ? Result<void>(Error{Fault::implausible, "pack voltage too high for the cell count"})
             : Result<void>();
}

/// In V; cells without a voltage count as 0.
inline double sum_of_cells(const Sample& sample) {
  double sum = 0;
  for (const auto& volts : sample.cell_voltages) {
    sum += volts.value_or(0);
  }
  return sum;
}

/// Fault::implausible unless the cells add up to the pack's voltage, as far as both are told. Registers of other
/// batteries hold numbers too, but not such ones.
inline Result<void> check_sum_of_cells(const Sample& sample) {
  constexpr double kTolerance = 0.05; // of the sum: both are not measured at the same moment
  const double sum = sum_of_cells(sample);
  return !sample.voltage || sample.cell_voltages.empty() ||
                 (sum > 0 && std::abs(*sample.voltage - sum) <= kTolerance * sum)
             ? Result<void>()
             : Error{Fault::implausible, "the cells do not add up to the voltage"};
}

/// Bit 0 is cell 1; bits beyond the last cell mean nothing.
inline void set_balancing(std::integral auto bits, std::size_t cells, Sample& out) {
  out.balancing_cells.clear();
  out.balancing = false;
  for (std::size_t cell = 0; cell < cells && cell < kMaxCells; ++cell) {
    const bool on = bit_of(bits, static_cast<unsigned>(cell));
    out.balancing_cells.push_back(on);
    out.balancing = *out.balancing || on;
  }
}

/// A table of sensors in a row from offset 0 on, as many of them as the reply has: value = (raw + shift) / per_unit
/// in °C, see sensor(). `where`: index of a battery sensor or member of Temperatures, in the order of the wire.
template <class... Where>
constexpr std::array<Field<Sample>, sizeof...(Where)> sensor_row(Wire wire, std::int64_t shift, double per_unit,
                                                                 Where... where) {
  std::size_t next = 0;
  return {sensor_field(where, width(wire) * next++, wire).shift(shift).per_unit(per_unit).optional()...};
}

/// The same for a row of battery sensors of which the reply says how many there are.
inline void decode_sensors(ByteView row, Wire wire, std::int64_t shift, double per_unit, Temperatures& out) {
  for (std::size_t i = 0; i < kMaxTemperatures && (i + 1) * width(wire) <= row.size(); ++i) {
    out.battery[i] = sensor(static_cast<double>(integer(row, i * width(wire), wire) + shift) / per_unit);
  }
}

/// LowSoc from the configured thresholds, for a BMS that has no such alarm itself.
inline void raise_low_soc(const ProtocolConfig& config, Sample& out) {
  if (config.soc_alarms && out.soc) {
    out.alarms.set(Alarm::LowSoc, *out.soc < config.soc_low_alarm ? 2 : *out.soc < config.soc_low_warning ? 1 : 0);
  }
}

/// Walks through a reply whose parts say how long they are. Beyond the end everything reads as 0 and
/// `check()` is Fault::truncated.
class Walk {
public:
  explicit Walk(ByteView bytes) : bytes_(bytes) {}

  std::int64_t take(Wire wire) {
    const std::size_t at = advance(width(wire));
    return truncated_ ? 0 : integer(bytes_, at, wire);
  }
  std::size_t count() { return static_cast<std::size_t>(take(Wire::u8)); }
  ByteView take(std::size_t size) {
    const std::size_t at = advance(size);
    return truncated_ ? ByteView() : bytes_.subspan(at, size);
  }
  /// What is left.
  ByteView rest() const { return bytes_.subspan(position_); }
  std::size_t position() const { return position_; }
  void skip(std::size_t size) { advance(size); }
  Result<void> check() const {
    return truncated_ ? Result<void>(Error{Fault::truncated, std::to_string(bytes_.size()) + " bytes of data"})
                      : Result<void>();
  }
  /// check(), and Fault::framing if anything is left.
  Result<void> check_end() const {
    return truncated_ || rest().empty() ? check() : Error{Fault::framing, "longer than its counts say"};
  }

private:
  std::size_t advance(std::size_t size) {
    const std::size_t at = position_;
    if (truncated_ || size > bytes_.size() - position_) {
      truncated_ = true;
      position_ = bytes_.size();
    } else {
      position_ += size;
    }
    return at;
  }

  ByteView bytes_;
  std::size_t position_ = 0;
  bool truncated_ = false;
};

} // namespace bmsd::protocols
