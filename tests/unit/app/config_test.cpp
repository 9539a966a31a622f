// The configuration as users write it: right, wrong, and hostile.
#include "app/config_doc.hpp"
#include "app/config_file.hpp"
#include "app/port_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace bmsd::app {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigTest : public ::testing::Test {
protected:
  ConfigTest() {
    char name[] = "/tmp/bmsd-config.XXXXXX";
    dir_ = ::mkdtemp(name);
  }
  ~ConfigTest() override { std::filesystem::remove_all(dir_); }

  LoadedConfig load(const std::string& text) {
    const auto path = dir_ / "bmsd.ini";
    std::ofstream(path) << text;
    auto loaded = load_config(path);
    EXPECT_TRUE(loaded);
    return *loaded;
  }

  static std::string messages(const LoadedConfig& loaded) {
    std::string text;
    for (const auto& message : loaded.messages) {
      text += message.where + ": " + message.text + "\n";
    }
    return text;
  }

  std::filesystem::path dir_;
};

TEST_F(ConfigTest, SectionsAreLaidOverOneAnother) {
  const auto loaded = load("[DEFAULT]\n"
                           "MAX_BATTERY_CHARGE_CURRENT = 40\n"
                           "[port ttyUSB0]\n"
                           "protocol = lltjbd\n"
                           "MAX_BATTERY_CHARGE_CURRENT = 30\n"
                           "[battery A]\n"
                           "max_battery_charge_current = 20\n");
  EXPECT_THAT(loaded.messages, IsEmpty()) << messages(loaded);
  const auto current = [&](const char* port, const char* battery) {
    return loaded.config.setup_of(port, battery).settings.charge.maximum;
  };
  EXPECT_EQ(current("", ""), 40);
  EXPECT_EQ(current("ttyUSB0", "B"), 30);
  EXPECT_EQ(current("ttyUSB0", "A"), 20);
  ASSERT_EQ(loaded.config.ports.size(), 1U);
  EXPECT_EQ(loaded.config.ports[0].name, "ttyUSB0");
  EXPECT_EQ(transports::to_string(loaded.config.ports[0].address), "/dev/ttyUSB0");
  EXPECT_EQ(loaded.config.ports[0].protocol, "lltjbd");
}

TEST_F(ConfigTest, APresetIsLaidUnderTheOtherKeysOfItsSection) {
  const auto loaded = load("[DEFAULT]\n"
                           "MAX_CELL_VOLTAGE = 3.5\n"
                           "PRESET = classic\n"
                           "[battery A]\n"
                           "CVCM_ENABLE = True\n"
                           "PRESET = classic\n");
  EXPECT_EQ(loaded.config.setup_of("", "").settings.max_cell_voltage, 3.5);
  EXPECT_EQ(loaded.config.setup_of("", "").settings.min_cell_voltage, 3.1);
  EXPECT_EQ(loaded.config.setup_of("", "A").settings.max_cell_voltage, 3.45);
  EXPECT_TRUE(loaded.config.setup_of("", "A").settings.voltage_control);
}

TEST_F(ConfigTest, EachErrorHasFileLineAndWhatIsAllowed) {
  const auto loaded = load("[DEFAULT]\n"
                           "NO_SUCH_KEY = 1\n"
                           "MAX_CELL_VOLTAGE = 9.0\n"
                           "[port x]\n"
                           "link = can:\n"
                           "baud = fast\n"
                           "[nonsense]\n"
                           "a = b\n"
                           "this is no line\n");
  EXPECT_TRUE(loaded.has_errors());
  const auto text = messages(loaded);
  EXPECT_THAT(text, HasSubstr("bmsd.ini:2: unknown key NO_SUCH_KEY"));
  EXPECT_THAT(text, HasSubstr("bmsd.ini:3: MAX_CELL_VOLTAGE"));
  EXPECT_THAT(text, HasSubstr("2..4.3"));
  EXPECT_THAT(text, HasSubstr("bmsd.ini:5: link"));
  EXPECT_THAT(text, HasSubstr("bmsd.ini:6: baud: \"fast\" is not allowed; allowed is a number 300..4e+06"));
  EXPECT_THAT(text, HasSubstr("bmsd.ini:7: unknown section [nonsense]"));
  EXPECT_THAT(text, HasSubstr("bmsd.ini:9: "));
}

TEST_F(ConfigTest, AWrongSafetyKeyStopsTheBatteriesItIsForAndNoOther) {
  const auto loaded = load("[battery A]\n"
                           "MAX_CELL_VOLTAGE = 9.0\n");
  EXPECT_FALSE(loaded.config.setup_of("p", "A").safe);
  EXPECT_TRUE(loaded.config.setup_of("p", "B").safe);
}

TEST_F(ConfigTest, AWrongKeyOfNoImportanceStopsNothing) {
  const auto loaded = load("[DEFAULT]\nTIME_TO_GO_ENABLE = perhaps\n");
  EXPECT_TRUE(loaded.config.setup_of("", "").safe) << messages(loaded);
}

TEST_F(ConfigTest, APortWithAWrongLinkIsNotLookedForUnderItsName) {
  const auto loaded = load("[port ttyUSB0]\nlink = nowhere:1\n[port ttyUSB1]\n");
  EXPECT_THAT(messages(loaded), HasSubstr("bmsd.ini:2: link: \"nowhere:1\""));
  ASSERT_EQ(loaded.config.ports.size(), 1U);
  EXPECT_EQ(loaded.config.ports[0].name, "ttyUSB1");
  // Nor is everything searched because no port is left.
  EXPECT_TRUE(load("[port ttyUSB0]\nlink = nowhere:1\n").names_ports);
  EXPECT_FALSE(load("[DEFAULT]\n").names_ports);
}

TEST_F(ConfigTest, ASectionCountsWithoutAnyKey) {
  const auto loaded = load("[bmsd]\n[port ttyUSB0]\n[battery A]\n[ports]\n");
  ASSERT_EQ(loaded.config.ports.size(), 1U);
  EXPECT_EQ(loaded.config.ports[0].name, "ttyUSB0");
  EXPECT_EQ(messages(loaded),
            "bmsd.ini:4: unknown section [ports]; there are [bmsd], [DEFAULT], [port NAME], [battery ID]\n");
}

TEST_F(ConfigTest, AWrongBusIsNotReplacedByTheRealOne) {
  const auto loaded = load("[bmsd]\nBUS = nonee\n");
  EXPECT_THAT(messages(loaded), HasSubstr("bmsd.ini:2: BUS: not a bus: nonee"));
  EXPECT_EQ(loaded.options.bus, "nonee"); // with which bmsd does not start
}

TEST_F(ConfigTest, UnderstandsTheFileOfDbusSerialbattery) {
  const auto loaded = load("[DEFAULT]\n"
                           "; a comment\n"
                           "LOGGING = WARNING\n"
                           "MAX_BATTERY_CHARGE_CURRENT    = 70.0\n"
                           "BLUETOOTH_BMS =\n"
                           "CAN_PORT = vecan0, can1\n"
                           "TELEMETRY = True\n"
                           "EXCLUDED_DEVICES = /dev/ttyUSB7\n"
                           "BMS_TYPE = LltJbd\n"
                           "BATTERY_ADDRESSES = 0x01, 0x02\n"
                           "MQTT_TOPIC = house/battery\n"
                           "MQTT_BROKER_ADDRESS = 10.0.0.2\n"
                           "MQTT_BROKER_PORT = 1884\n"
                           "MQTT_TLS_ENABLED = False\n"
                           "INVERT_CURRENT_MEASUREMENT = -1\n");
  EXPECT_FALSE(loaded.has_errors()) << messages(loaded);
  EXPECT_EQ(log_level(loaded.options.log_level), spdlog::level::warn);
  EXPECT_EQ(loaded.config.setup_of("", "").settings.charge.maximum, 70);
  EXPECT_THAT(loaded.config.excluded_devices, Contains("/dev/ttyUSB7"));
  EXPECT_EQ(loaded.config.serial_protocols, std::vector<std::string>{"lltjbd"});
  EXPECT_THAT(loaded.config.addresses, ::testing::ElementsAre(1U, 2U));
  std::vector<std::string> links;
  for (const auto& port : loaded.config.ports) {
    links.push_back(transports::to_string(port.address));
  }
  EXPECT_THAT(links, ::testing::ElementsAre("can:vecan0", "can:can1", "mqtt:10.0.0.2:1884/house/battery"));
}

TEST_F(ConfigTest, WhatIsNoFileIsSaid) {
  EXPECT_THAT(load_config(dir_).error().detail, HasSubstr("is a directory"));
  EXPECT_THAT(load_config(dir_ / "none.ini").error().detail, HasSubstr("No such file"));
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(load_config(dir_ / "pipe").error().detail, HasSubstr("is not a file"));
  EXPECT_TRUE(load_config("/dev/null"));
}

TEST_F(ConfigTest, NulBytesAreReportedAndEndTheFile) {
  using namespace std::string_literals;
  for (const auto& text : {"MAX_CELL_VOLTAGE = 3.4\0\0\nX = 1\n"s, "[DEFAULT]\n\0\0X = 1\n"s, "CVCM_ENABLE = True\0"s,
                           std::string(100000, '\0')}) {
    const auto loaded = load(text);
    EXPECT_TRUE(loaded.has_errors());
    EXPECT_THAT(messages(loaded), HasSubstr("NUL byte"));
  }
}

TEST_F(ConfigTest, EveryLineThatCannotBeReadIsTold) {
  const auto loaded = load("[DEFAULT]\n"
                           "first bad line\n"
                           "  more of it\n"
                           "\n"
                           "LOGGING INFO ; = a comment\n"
                           "= 5\n"
                           "; a comment = 1\n"
                           "CVCM_ENABLE = True\n"
                           "[port x ; and a comment ]\n"
                           "  protocol = lltjbd\n"
                           "[port y] baud = 9600\n"
                           "[port z] ; the third one\n"
                           "poll : 2\n");
  EXPECT_EQ(messages(loaded), "bmsd.ini:2: neither a [section] nor KEY = value\n"
                              "bmsd.ini:5: neither a [section] nor KEY = value\n"
                              "bmsd.ini:6: neither a [section] nor KEY = value\n"
                              "bmsd.ini:9: the ] is missing; this is taken for [port x]\n"
                              "bmsd.ini:11: there is something after the ], which is ignored\n");
  ASSERT_EQ(loaded.config.ports.size(), 3U);
  EXPECT_EQ(loaded.config.ports[0].protocol, "lltjbd") << "an indented first key of a section";
  EXPECT_FALSE(loaded.config.ports[1].line);
  EXPECT_EQ(loaded.config.ports[2].poll_interval, 2.0);
}

TEST_F(ConfigTest, ALineOfASafetyKeyThatCannotBeReadStopsTheBatteriesItIsFor) {
  for (const std::string& line :
       {std::string("MAX_BATTERY_CHARGE_CURRENT 20"), "max_cell_voltage " + std::string(300, ' ') + "= 3.4",
        std::string("MAX_BATTERY_CHARGE_CURRENT = 2\x1b[31m0")}) {
    const auto loaded = load("[battery A]\n" + line + "\n  , 30\n[battery B]\n");
    EXPECT_EQ(loaded.messages.size(), 1U) << messages(loaded);
    EXPECT_THAT(messages(loaded), ::testing::MatchesRegex("bmsd.ini:2: [A-Za-z_]*: .*\n"));
    EXPECT_EQ(messages(loaded).find('\x1b'), std::string::npos);
    EXPECT_FALSE(loaded.config.setup_of("p", "A").safe) << line;
    EXPECT_TRUE(loaded.config.setup_of("p", "B").safe) << line;
    EXPECT_FALSE(load(line + "\n").config.setup_of("p", "B").safe) << line;
    EXPECT_FALSE(load("[port p-1]\n" + line + "\n").config.setup_of("p_1", "B").safe) << line;
  }
  EXPECT_TRUE(load("TIME_TO_GO_ENABLE True\n").config.setup_of("p", "A").safe);
}

TEST_F(ConfigTest, NothingIsSwallowedWithALineThatCannotBeRead) {
  const std::string comment = "  ; " + std::string(300, 'c') + "\n";
  EXPECT_THAT(load(comment + "  CVCM_ENABLE = True\n").messages, IsEmpty()) << "a long comment is a comment";
  const auto after_junk = load("[battery A]\nsome junk\n  MAX_BATTERY_CHARGE_CURRENT = 10\n");
  EXPECT_EQ(after_junk.messages.size(), 1U) << messages(after_junk);
  EXPECT_EQ(after_junk.config.setup_of("p", "A").settings.charge.maximum, 10);
  const auto cut = load("CELL_VOLTAGES_WHILE_CHARGING = 3.5, 3.45,\n  3.4, \x01 3.3\n");
  EXPECT_THAT(messages(cut), HasSubstr("bmsd.ini:2: CELL_VOLTAGES_WHILE_CHARGING: control characters"));
  EXPECT_FALSE(cut.config.setup_of("p", "A").safe);
  const auto remark = load("MAX_CELL_VOLTAGE 3.40 (was: 3.45)\n");
  EXPECT_EQ(messages(remark), "bmsd.ini:1: MAX_CELL_VOLTAGE: neither a [section] nor KEY = value\n");
  EXPECT_FALSE(remark.config.setup_of("p", "A").safe);
  EXPECT_THAT(load("[port x]\nlink /dev/ttyUSB7\n").config.ports, IsEmpty()) << "that of its name is another one";
}

TEST_F(ConfigTest, WhatIsLostStopsAllBatteries) {
  using namespace std::string_literals;
  const auto cut = load("MAX_BATTERY_CHARGE_CURRENT = 20\n\0\0\0\n"s);
  EXPECT_EQ(cut.messages.size(), 1U) << messages(cut);
  EXPECT_FALSE(cut.config.setup_of("p", "A").safe);
  std::string large = "MAX_BATTERY_CHARGE_CURRENT = 20\n";
  while (large.size() < 1100000) {
    large += "; nothing but comments\n";
  }
  const auto endless = load(large);
  EXPECT_THAT(messages(endless), HasSubstr("too large"));
  EXPECT_FALSE(endless.config.setup_of("p", "A").safe);
}

TEST_F(ConfigTest, APortWhoseKeysDoNotFitEachOtherIsNotOpened) {
  const auto loaded = load("[port A]\nlink = mqtt:127.0.0.1:1/x\nprotocol = lltjbd\n[port B]\n");
  EXPECT_EQ(messages(loaded), "bmsd.ini:1: port A: lltjbd is a protocol for serial links, mqtt:127.0.0.1:1/x is a link "
                              "for mqtt\n");
  ASSERT_EQ(loaded.config.ports.size(), 1U);
  EXPECT_EQ(loaded.config.ports[0].name, "B");
}

TEST_F(ConfigTest, LongSectionNamesStayWhole) {
  const std::string name(90, 'n');
  const auto loaded = load("[battery " + name + "]\nMAX_BATTERY_CHARGE_CURRENT = 20\n");
  EXPECT_EQ(loaded.config.setup_of("p", name).settings.charge.maximum, 20);
}

TEST_F(ConfigTest, AByteOrderMarkIsNoPartOfTheFirstLine) {
  EXPECT_THAT(load("\xEF\xBB\xBF[DEFAULT]\r\nCVCM_ENABLE = True\r\n").messages, IsEmpty());
  EXPECT_THAT(load("\xEF\xBB\xBF"
                   "CVCM_ENABLE = True\n")
                  .messages,
              IsEmpty());
}

TEST_F(ConfigTest, ContradictionsHaveTheLineOfTheKey) {
  EXPECT_EQ(messages(load("[DEFAULT]\n\nMAX_CELL_VOLTAGE = 3.3\n")),
            "bmsd.ini:3: FLOAT_CELL_VOLTAGE: 3.375 V is above MAX_CELL_VOLTAGE, 3.300 V is used\n"
            "bmsd.ini:3: BLOCK_ON_DISCONNECT_VOLTAGE_MAX: 3.375 V is above MAX_CELL_VOLTAGE, 3.300 V is used\n");
  EXPECT_THAT(messages(load("MAX_CELL_VOLTAGE = 3.5\n[battery A]\nFLOAT_CELL_VOLTAGE = 3.6\n")),
              HasSubstr("bmsd.ini:3: FLOAT_CELL_VOLTAGE"));
  EXPECT_THAT(messages(load("SOC_LOW_WARNING = 5\n")), HasSubstr("bmsd.ini:1: SOC_LOW_ALARM"));
}

TEST_F(ConfigTest, ABatteryThatIsNeverFullIsToldAndStillCharged) {
  const auto loaded = load("[DEFAULT]\nMAX_CELL_VOLTAGE = 3.55\n");
  EXPECT_THAT(messages(loaded),
              HasSubstr("bmsd.ini:2: CELL_VOLTAGES_WHILE_CHARGING: charging ends at 3.500 V, below MAX_CELL_VOLTAGE"));
  EXPECT_TRUE(loaded.config.setup_of("", "").safe);
}

TEST_F(ConfigTest, WhatIsNoNumberIsToldWhatIsAllowed) {
  const auto text = messages(load("MAX_CELL_VOLTAGE = abc\n"
                                  "MAX_BATTERY_CHARGE_CURRENT =\n"
                                  "CHARGE_MODE = 1.5\n"
                                  "CELL_VOLTAGES_WHILE_CHARGING = , ,\n"
                                  "TEMPERATURE_SOURCE_BATTERY =\n"));
  EXPECT_THAT(text, HasSubstr("1: MAX_CELL_VOLTAGE: abc is not a number, allowed 2..4.3 V\n"));
  EXPECT_THAT(text,
              HasSubstr("2: MAX_BATTERY_CHARGE_CURRENT: an empty value is not a number, allowed > 0, up to 1000 A\n"));
  EXPECT_THAT(text, HasSubstr("3: CHARGE_MODE: 1.5 is not a whole number, allowed 1 linear, 2 step\n"));
  EXPECT_THAT(text, HasSubstr("4: CELL_VOLTAGES_WHILE_CHARGING: , , has no items, allowed 0.5..5 V\n"));
  EXPECT_THAT(text, HasSubstr("5: TEMPERATURE_SOURCE_BATTERY: an empty value names no sensor, allowed sensors 1..4\n"));
}

TEST_F(ConfigTest, SeveralBmsTypesAreARestriction) {
  const auto loaded = load("BMS_TYPE = LltJbd, Daly\n[port ttyUSB0]\n[port ttyUSB1]\nprotocol = ant\n");
  EXPECT_THAT(loaded.messages, IsEmpty()) << messages(loaded);
  ASSERT_EQ(loaded.config.ports.size(), 2U);
  EXPECT_THAT(loaded.config.ports[0].search_among, ::testing::ElementsAre("lltjbd", "daly"));
  EXPECT_EQ(loaded.config.ports[0].protocol, "");
  EXPECT_THAT(loaded.config.ports[1].search_among, IsEmpty());
  EXPECT_THAT(messages(load("BMS_TYPE = LltJbd, Dally\n")), HasSubstr("there is no protocol \"Dally\""));
}

TEST_F(ConfigTest, GarbageIsReportedNotBelieved) {
  std::string garbage;
  for (int i = 0; i < 5000; ++i) {
    garbage += static_cast<char>(i * 7919 % 256);
  }
  const auto loaded = load(garbage);
  EXPECT_TRUE(loaded.has_errors());
  EXPECT_TRUE(load("[DEFAULT]\nMAX_CELL_VOLTAGE = " + std::string(1000, '3') + "\n").has_errors());
}

TEST_F(ConfigTest, TheTemplateChangesNothingAndNamesEveryKey) {
  const auto text = config_template();
  EXPECT_THAT(load(text).messages, IsEmpty());
  for (const auto& key : battery::keys()) {
    EXPECT_THAT(text, HasSubstr("\n;" + std::string(key.name) + " ="));
  }
  // With every battery key uncommented the defaults come out as they went in.
  std::string active = "[DEFAULT]\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && !line.starts_with(";[");) {
    if (line.starts_with(";") && line.find(" =") != std::string::npos &&
        battery::is_battery_key(line.substr(1, line.find(" =") - 1))) {
      active += line.substr(1) + "\n";
    }
  }
  const auto loaded = load(active);
  EXPECT_THAT(loaded.messages, IsEmpty()) << messages(loaded);
  const battery::BatterySettings defaults;
  const auto settings = loaded.config.setup_of("", "").settings;
  for (const auto& key : battery::keys()) {
    EXPECT_EQ(key.print(settings), key.print(defaults)) << key.name;
  }
}

TEST_F(ConfigTest, TheShippedFileIsTheTemplate) {
  std::ifstream stream(std::string(BMSD_SOURCE_DIR) + "/etc/bmsd.ini");
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  EXPECT_EQ(text, config_template()) << "run: build/bmsd --print-config > etc/bmsd.ini";
}

// -- port specifications --------------------------------------------------------------------

TEST(PortSpec, LinkAndKeys) {
  const auto port = parse_port_spec("/dev/ttyUSB0,protocol=daly,address=1-3,baud=19200,poll=2.5,name=House");
  ASSERT_TRUE(port) << port.error().detail;
  EXPECT_EQ(port->name, "ttyUSB0");
  EXPECT_EQ(port->protocol, "daly");
  EXPECT_THAT(port->addresses, ::testing::ElementsAre(1U, 2U, 3U));
  EXPECT_EQ(port->line->baud, 19200);
  EXPECT_EQ(port->poll_interval, 2.5);
  EXPECT_EQ(port->battery_name, "House");
}

TEST(PortSpec, KeysThatDoNotFitEachOtherAreRefused) {
  for (const auto& [spec, why] : {std::pair("mqtt:host/x,protocol=lltjbd", "lltjbd is a protocol for serial links"),
                                  std::pair("mqtt:host/x,protocol=pylontech_can", "is a protocol for can links"),
                                  std::pair("/dev/ttyUSB0,protocol=mqtt_json", "is a protocol for mqtt links"),
                                  std::pair("slcan:/dev/ttyACM0,protocol=daly", "is a link for can"),
                                  std::pair("/dev/ttyUSB0,protocol=lltjbd,address=1-4", "lltjbd has no addresses"),
                                  std::pair("/dev/ttyUSB0,protocol=lltjbd,keep_alive=true", "no option keep_alive")}) {
    const auto port = parse_port_spec(spec);
    ASSERT_FALSE(port) << spec;
    EXPECT_THAT(port.error().detail, HasSubstr(why));
  }
}

TEST(PortSpec, AListOfAddressesMayHoldCommas) {
  const auto port = parse_port_spec("/dev/ttyUSB0,address=1,3,0x10,poll=1");
  ASSERT_TRUE(port) << port.error().detail;
  EXPECT_THAT(port->addresses, ::testing::ElementsAre(1U, 3U, 16U));
  EXPECT_EQ(port->poll_interval, 1.0);
}

TEST(PortSpec, NamesAreFitForABus) {
  EXPECT_EQ(parse_port_spec("/dev/pts/3")->name, "pts_3");
  EXPECT_EQ(parse_port_spec("can:vecan0")->name, "vecan0");
  EXPECT_EQ(parse_port_spec("tcp:10.0.0.7:99")->name, "tcp_10_0_0_7_99");
  EXPECT_EQ(parse_port_spec("mqtt:h/a/b")->name, "mqtt_a_b");
  EXPECT_EQ(parse_port_spec("slcan:/dev/ttyACM0@250000")->name, "slcan_ttyACM0");
}

TEST(PortSpec, ErrorsSayWhatIsAllowed) {
  EXPECT_THAT(parse_port_spec("").error().detail, HasSubstr(""));
  EXPECT_THAT(parse_port_spec("/dev/ttyUSB0,baud=x").error().detail, HasSubstr("allowed is"));
  EXPECT_THAT(parse_port_spec("/dev/ttyUSB0,protocol=nope").error().detail, HasSubstr("bmsctl protocols"));
  EXPECT_THAT(parse_port_spec("/dev/ttyUSB0,what=1").error().detail, HasSubstr("unknown key"));
  EXPECT_THAT(parse_port_spec("/dev/ttyUSB0,baud").error().detail, HasSubstr("key=value"));
  EXPECT_THAT(parse_port_spec("/dev/ttyUSB0,address=1-300").error().detail, HasSubstr("0..255"));
  EXPECT_THAT(parse_port_spec("/dev/ttyUSB0,poll=0").error().detail, HasSubstr("0.1..3600"));
  EXPECT_THAT(parse_port_spec("/dev/ttyUSB0,parity=mark").error().detail, HasSubstr("none, even, odd"));
}

TEST(PortSpec, TheSamePortTwiceIsRefused) {
  actors::DaemonConfig config;
  config.ports = {*parse_port_spec("/dev/ttyUSB0"), *parse_port_spec("/dev/ttyUSB0,name=x")};
  EXPECT_THAT(check_ports(config).error().detail, HasSubstr("given twice"));
}

} // namespace
} // namespace bmsd::app
