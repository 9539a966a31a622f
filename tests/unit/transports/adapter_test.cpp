#include "transports/adapter.hpp"
#include "transports/hotplug.hpp"
#include "unit/transports/run_io.hpp"

#include <filesystem>

namespace bmsd::transports::test {
namespace {

struct FakeSource final : AdapterSource {
  std::vector<Adapter> list() override { return adapters; }
  std::vector<Adapter> adapters;
};

Adapter adapter(const std::string& tty, const std::string& serial, const std::string& path,
                const std::string& interface = "00") {
  Adapter result;
  result.tty = tty;
  result.usb_serial = serial;
  result.usb_path = path;
  result.usb_interface = interface;
  result.vendor_model = "0403:6001 FT232R";
  result.usb = true;
  return result;
}

TEST(Adapter, with_a_serial_number_is_found_under_another_tty_and_port) {
  FakeSource source;
  auto identity = adapter("/dev/ttyUSB0", "A10K7XYZ", "usb-0:1.1:1.0");
  source.adapters = {adapter("/dev/ttyUSB1", "A10K7XYZ", "usb-0:1.3:1.0"),
                     adapter("/dev/ttyUSB0", "B22", "usb-0:1.1:1.0")};
  EXPECT_EQ(find_adapter(identity, source), "/dev/ttyUSB1");
  source.adapters.erase(source.adapters.begin());
  EXPECT_EQ(find_adapter(identity, source), std::nullopt) << "another adapter in the same socket is not it";
}

TEST(Adapter, without_a_serial_number_the_usb_port_counts) {
  FakeSource source;
  for (const char* useless : {"", "0001", "0000", "0123456789"}) {
    auto identity = adapter("/dev/ttyUSB0", useless, "usb-0:1.1:1.0");
    source.adapters = {adapter("/dev/ttyUSB0", useless, "usb-0:1.2:1.0"),
                       adapter("/dev/ttyUSB1", useless, "usb-0:1.1:1.0")};
    EXPECT_EQ(find_adapter(identity, source), "/dev/ttyUSB1");
    source.adapters.pop_back();
    EXPECT_EQ(find_adapter(identity, source), std::nullopt) << "the other of two equal adapters";
  }
}

TEST(Adapter, equal_serial_numbers_are_told_apart_by_the_port_or_not_at_all) {
  FakeSource source;
  auto identity = adapter("/dev/ttyUSB0", "X1", "usb-0:1.1:1.0");
  source.adapters = {adapter("/dev/ttyUSB4", "X1", "usb-0:1.2:1.0"), adapter("/dev/ttyUSB5", "X1", "usb-0:1.1:1.0")};
  EXPECT_EQ(find_adapter(identity, source), "/dev/ttyUSB5");
  source.adapters[1].usb_path = "usb-0:1.3:1.0";
  EXPECT_EQ(find_adapter(identity, source), std::nullopt);
}

TEST(Adapter, ports_of_one_adapter_are_told_apart_by_the_interface) {
  FakeSource source;
  source.adapters = {adapter("/dev/ttyUSB1", "Q4", "usb-0:1.1:1.0", "00"),
                     adapter("/dev/ttyUSB0", "Q4", "usb-0:1.1:1.1", "01")};
  EXPECT_EQ(find_adapter(adapter("/dev/ttyUSB0", "Q4", "usb-0:1.1:1.0", "00"), source), "/dev/ttyUSB1");
}

TEST(Adapter, same_serial_number_of_another_model) {
  FakeSource source;
  source.adapters = {adapter("/dev/ttyUSB0", "7", "usb-0:1.1:1.0")};
  auto identity = source.adapters[0];
  source.adapters[0].vendor_model = "10c4:ea60 CP2102";
  EXPECT_EQ(find_adapter(identity, source), std::nullopt);
}

TEST(Adapter, built_in_port_does_not_move) {
  FakeSource source;
  Adapter builtin;
  builtin.tty = "/dev/ttyS1";
  source.adapters = {builtin};
  EXPECT_EQ(find_adapter(builtin, source), "/dev/ttyS1");
  builtin.tty = "/dev/ttyS2";
  EXPECT_EQ(find_adapter(builtin, source), std::nullopt);
}

TEST(Adapter, search_leaves_alone_what_belongs_to_others) {
  FakeSource source;
  source.adapters = {adapter("/dev/ttyUSB3", "a", "1"), adapter("/dev/ttyUSB1", "b", "2"),
                     adapter("/dev/ttyUSB2", "c", "3"), adapter("/dev/ttyUSB0", "d", "4"),
                     adapter("/dev/ttyS0", "", "")};
  source.adapters[0].ve_service = "ignore";
  source.adapters[1].ve_service = "gps:vedirect";
  source.adapters[2].ve_service = "rs485:default";
  source.adapters[4].usb = false;
  std::vector<std::string> ttys;
  for (const auto& each : list_serial_adapters(source)) {
    ttys.push_back(each.tty);
  }
  EXPECT_EQ(ttys, (std::vector<std::string>{"/dev/ttyUSB0", "/dev/ttyUSB2", "/dev/ttyUSB3"}));
}

TEST(Adapter, symlink_is_resolved) {
  auto dir = std::filesystem::temp_directory_path() / ("bmsd-adapter-" + std::to_string(::getpid()));
  std::filesystem::create_directories(dir);
  std::filesystem::create_symlink("/dev/null", dir / "by-id");
  FakeSource source;
  source.adapters = {adapter("/dev/null", "a", "1")};
  auto found = adapter_of(dir / "by-id", source);
  std::filesystem::remove_all(dir);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->usb_serial, "a");
  EXPECT_FALSE(adapter_of("/dev/ttyUSB99", source));
}

TEST(Adapter, real_source_lists_hardware_only) {
  for (const auto& each : make_udev_source()->list()) {
    EXPECT_TRUE(each.tty.starts_with("/dev/")) << each.tty;
    EXPECT_FALSE(each.tty.starts_with("/dev/pts/")) << each.tty;
    EXPECT_NE(each.tty, "/dev/tty1");
  }
}

TEST(Hotplug, starts_and_stops) {
  asio::io_context io;
  for (int i = 0; i < 3; ++i) {
    HotplugMonitor monitor(io, [](const std::string&, const std::string&) {});
    run_for(io, 5ms);
  }
  run_for(io, 5ms);
}

} // namespace
} // namespace bmsd::transports::test
