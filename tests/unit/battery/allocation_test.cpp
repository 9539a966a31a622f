// In steady state nothing is allocated.
#include "battery_fixture.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> allocations{0};
}

[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace bmsd::battery {

namespace {

using namespace testing;

TEST(Allocation, NoneInSteadyState) {
  Battery battery(settings_with({{"SOC_CALCULATION", "True"},
                                 {"MIDPOINT_ENABLE", "True"},
                                 {"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "100"},
                                 {"TIME_TO_SOC_POINTS", "100, 50, 10"},
                                 {"TIME_TO_SOC_VALUE_TYPE", "3"}}));
  Sample s = sample(3.3, 50.0, 20.0);
  s.extra.push_back({"fan", std::string("a text that does not fit into the string object itself")});
  auto day = [&] {
    for (int i = 0; i < 6000; ++i) {
      const double level = 3.30 + 0.16 * std::sin(i / 500.0);
      for (std::size_t cell = 0; cell < 16; ++cell) {
        set_cell(s, cell, level + 0.001 * static_cast<double>((i + static_cast<int>(cell)) % 7));
      }
      s.current = 40.0 * std::cos(i / 500.0);
      s.temperatures.battery[0] = 20.0 + 25.0 * std::sin(i / 900.0);
      if (i % 400 > 380) {
        battery.fail();
      } else {
        battery.poll(s);
      }
    }
  };
  day();
  const long before = allocations.load();
  ASSERT_GT(before, 0);
  day();
  EXPECT_EQ(allocations.load() - before, 0);
}

} // namespace

} // namespace bmsd::battery
