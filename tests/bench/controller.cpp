// Cost of one evaluation of a battery, all values moving.
#include "battery_fixture.hpp"

#include <benchmark/benchmark.h>

namespace bmsd::battery {

namespace {

using namespace testing;

void run(benchmark::State& state, const BatterySettings& settings, int cells) {
  Battery battery(settings);
  Sample s = sample();
  set_cells(s, 3.3, cells);
  int i = 0;
  for (auto _ : state) {
    ++i;
    for (std::size_t cell = 0; cell < static_cast<std::size_t>(cells); ++cell) {
      s.cell_voltages[cell] = 3.35 + 0.001 * static_cast<double>((i + 3 * static_cast<int>(cell)) % 110);
    }
    s.voltage.reset();
    s.current = static_cast<double>(i % 200) - 100.0;
    s.soc = static_cast<double>(i % 1000) / 10.0;
    s.temperatures.battery[0] = 5.0 + static_cast<double>(i % 400) / 10.0;
    benchmark::DoNotOptimize(battery.poll(s).cvl);
  }
}

void BM_defaults(benchmark::State& state) {
  run(state, BatterySettings(), static_cast<int>(state.range(0)));
}
BENCHMARK(BM_defaults)->Arg(16)->Arg(32);

void BM_everything_on(benchmark::State& state) {
  run(state,
      settings_with({{"SOC_CALCULATION", "True"},
                     {"MIDPOINT_ENABLE", "True"},
                     {"CCCM_SOC_ENABLE", "True"},
                     {"DCCM_SOC_ENABLE", "True"},
                     {"TIME_TO_SOC_POINTS", "100, 75, 50, 25, 10, 0"},
                     {"TIME_TO_SOC_VALUE_TYPE", "3"}}),
      16);
}
BENCHMARK(BM_everything_on);

void BM_failed_poll(benchmark::State& state) {
  Battery battery;
  battery.poll(sample());
  for (auto _ : state) {
    benchmark::DoNotOptimize(battery.fail().connected);
  }
}
BENCHMARK(BM_failed_poll);

} // namespace

} // namespace bmsd::battery
