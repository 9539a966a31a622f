// The service as sdbus-c++ sees it: another library, which reads strictly by type.
#include "service_fixture.hpp"
#include "support/process.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <map>
#include <mutex>
#include <string>

namespace bmsd {
namespace {

using test::kBattery;

constexpr const char* kInterface = "com.victronenergy.BusItem";
using Entries = std::map<std::string, sdbus::Variant>;
using Items = std::map<std::string, Entries>;

class SdbusClient : public test::ServiceTest {
protected:
  void SetUp() override {
    ServiceTest::SetUp();
    start();
    connection_ = sdbus::createSessionBusConnectionWithAddress(daemon.address());
    root = object("/");
    root->uponSignal("ItemsChanged").onInterface(kInterface).call([this](const Items& items) {
      const std::lock_guard lock(mutex_);
      heard_ = items;
    });
    root->finishRegistration();
    connection_->enterEventLoopAsync();
  }
  void TearDown() override {
    root.reset();
    connection_.reset();
    ServiceTest::TearDown();
  }

  std::unique_ptr<sdbus::IProxy> object(const std::string& path) {
    return sdbus::createProxy(*connection_, kBattery, path);
  }
  Items heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

  std::unique_ptr<sdbus::IProxy> root;

private:
  std::unique_ptr<sdbus::IConnection> connection_;
  std::mutex mutex_;
  Items heard_;
};

TEST_F(SdbusClient, reads_all_items) {
  Items items;
  root->callMethod("GetItems").onInterface(kInterface).storeResultsTo(items);
  EXPECT_EQ(items.at("/Dc/0/Voltage").at("Value").get<double>(), 13.25);
  EXPECT_EQ(items.at("/Dc/0/Voltage").at("Text").get<std::string>(), "13.25V");
  EXPECT_EQ(items.at("/DeviceInstance").at("Value").get<std::int32_t>(), 1);
  EXPECT_TRUE(items.at("/Dc/0/Current").at("Value").get<std::vector<std::int32_t>>().empty());
  EXPECT_EQ(items.at("/Settings/ResetSocTo").at("Max").get<std::int32_t>(), 100);
}

TEST_F(SdbusClient, hears_what_changes) {
  io.run([&] {
    const dbus::Change changes[] = {{"/Dc/0/Voltage", 13.5, "13.50V"},
                                    {"/DeviceInstance", 2, "2"},
                                    {"/Dc/0/Current", dbus::ValueView(), ""},
                                    {"/CustomName", std::string_view("Keller °1"), "Keller °1"}};
    service->update(changes);
  });
  ASSERT_TRUE(test::wait_until([&] { return !heard().empty(); }));
  const auto items = heard();
  EXPECT_EQ(items.size(), 3U) << "the current was invalid before";
  EXPECT_EQ(items.at("/Dc/0/Voltage").at("Value").get<double>(), 13.5);
  EXPECT_EQ(items.at("/Dc/0/Voltage").at("Text").get<std::string>(), "13.50V");
  EXPECT_EQ(items.at("/DeviceInstance").at("Value").get<std::int32_t>(), 2);
  EXPECT_EQ(items.at("/CustomName").at("Value").get<std::string>(), "Keller °1");
}

TEST_F(SdbusClient, hears_of_new_paths_with_their_limits) {
  io.run([&] {
    EXPECT_TRUE(service->add({{"/Settings/New", dbus::Type::integer, 5, "5", test::writable({0, 10, 7})},
                              {"/Info/New", dbus::Type::real, dbus::Value(), ""}}));
  });
  ASSERT_TRUE(test::wait_until([&] { return !heard().empty(); }));
  const auto items = heard();
  EXPECT_EQ(items.at("/Settings/New").at("Min").get<std::int32_t>(), 0);
  EXPECT_EQ(items.at("/Settings/New").at("Max").get<std::int32_t>(), 10);
  EXPECT_EQ(items.at("/Settings/New").at("Default").get<std::int32_t>(), 7);
  EXPECT_EQ(items.at("/Info/New").at("Text").get<std::string>(), "---");
}

TEST_F(SdbusClient, writes_and_is_answered) {
  io.run([&] { service->set_write_handler([](const std::string&, const dbus::Value&, auto reply) { reply(0); }); });
  std::int32_t code = -1;
  object("/CustomName")
      ->callMethod("SetValue")
      .onInterface(kInterface)
      .withArguments(sdbus::Variant(std::string("Boat")))
      .storeResultsTo(code);
  EXPECT_EQ(code, 0);
  sdbus::Variant value;
  object("/CustomName")->callMethod("GetValue").onInterface(kInterface).storeResultsTo(value);
  EXPECT_EQ(value.get<std::string>(), "Boat");
}

} // namespace
} // namespace bmsd
