// bmsctl as people and scripts use it.
#include "daemon_fixture.hpp"

#include <sstream>

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::wait_until;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Ctl : public DaemonTest {
protected:
  test::Finished ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program("bmsctl"), "--socket", directory / "sock"});
    return test::run(arguments);
  }
  void start_one() {
    sim = simulate("lltjbd", tty("ttyA"), {"--soc", "62", "--current", "-10", "--capacity", "280"});
    start({tty("ttyA") + ",protocol=lltjbd,poll=0.2,allow_writes=true,name=House"});
    ASSERT_TRUE(wait_for_link("ttyA", "up")) << daemon.output();
  }
  /// Every line is one JSON object.
  static std::vector<Json> objects(const std::string& text) {
    std::vector<Json> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
      all.push_back(Json::parse(line, nullptr, false));
      EXPECT_TRUE(all.back().is_object()) << line;
    }
    return all;
  }
  test::Process sim;
};

TEST_F(Ctl, EveryCommandExplainsItself) {
  const auto all = test::run({program("bmsctl"), "--help"});
  EXPECT_EQ(all.status, 0);
  for (const std::string command :
       {"status", "trace", "capture", "decode", "protocols", "probe", "set", "restart", "limits"}) {
    EXPECT_THAT(all.output, HasSubstr("  " + command + " "));
    const auto help = test::run({program("bmsctl"), command, "--help"});
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_THAT(help.output, HasSubstr("Usage: ")) << command;
    EXPECT_GT(help.output.size(), 150U) << command;
  }
  for (const std::string other : {"bmsd", "bmssim"}) {
    EXPECT_EQ(test::run({program(other), "--help"}).status, 0);
  }
  EXPECT_EQ(test::run({program("bmsctl")}).status, 2) << "a command is needed";
  const auto dance = test::run({program("bmsctl"), "dance"});
  EXPECT_EQ(dance.status, 2);
  EXPECT_THAT(dance.output, HasSubstr("not expected: dance"));
  const auto nowhere = test::run({program("bmsd"), "--bus", "nowhere"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.output, HasSubstr("--bus: not a bus: nowhere"));
  for (const std::string command : {"bmsctl protocols", "bmsd --print-config"}) {
    const auto full = test::run({"/bin/sh", "-c", program(command) + " > /dev/full"});
    EXPECT_EQ(full.status, 1) << command;
    EXPECT_THAT(full.output, HasSubstr("cannot write to standard output")) << command;
  }
  for (const std::string name : {"bmsctl", "bmsd", "bmssim"}) {
    EXPECT_EQ(test::run({program(name), "--dance"}).status, 2) << name;
  }
}

TEST_F(Ctl, StatusForPeopleAndPrograms) {
  start_one();
  const auto text = ctl({"status"});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.output, AllOf(HasSubstr("62"), HasSubstr("280"), HasSubstr("ttyA"), HasSubstr("supervisor")));
  const auto json = objects(ctl({"status", "--json"}).output);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["batteries"][0]["soc"], 62);
  const auto absent = test::run({program("bmsctl"), "--socket", directory / "nobody", "status"});
  EXPECT_EQ(absent.status, 1);
  EXPECT_THAT(absent.output, HasSubstr("is bmsd running?"));
}

TEST_F(Ctl, TraceEndsWithItsReader) {
  start_one();
  const auto command = program("bmsctl") + " --socket " + (directory / "sock") + " ";
  const auto text = test::run({"/bin/sh", "-c", command + "trace --only sample | head -n 2"}, 10s);
  EXPECT_EQ(text.status, 0) << "hangs behind a pipe that nobody reads";
  EXPECT_THAT(text.output, HasSubstr("sample"));
  const auto json = test::run({"/bin/sh", "-c", command + "trace --json | head -n 20"}, 10s);
  EXPECT_EQ(json.status, 0);
  EXPECT_EQ(objects(json.output).size(), 20U);
  const auto frames =
      test::run({"/bin/sh", "-c", command + "trace --json --only frame --battery ttyA | head -n 3"}, 10s);
  for (const auto& line : objects(frames.output)) {
    EXPECT_EQ(line["kind"], "frame");
  }
  const auto watch = test::run({"/bin/sh", "-c", command + "status --watch --interval 0.1 | head -n 3"}, 10s);
  EXPECT_EQ(watch.status, 0);
  const auto unknown = ctl({"trace", "--only", "dreams"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.output, HasSubstr("there are frame, sample"));
  EXPECT_TRUE(wait_until([&] { return ask({{"cmd", "ring"}}).contains("ring"); }));
}

TEST_F(Ctl, CtrlCEndsAtOnce) {
  start_one();
  const std::string capture = directory / "capture.jsonl";
  const std::string deaf = tty("deaf"); // a BMS that never answers
  auto mute = simulate("lltjbd", deaf, {"--fault", "silent=1"});
  const auto ends = [&](std::vector<std::string> arguments, const std::string& shown) {
    const auto name = arguments.front();
    arguments.insert(arguments.begin(), {program("bmsctl"), "--socket", directory / "sock"});
    test::Process process(arguments, directory / (name + ".log"));
    EXPECT_TRUE(wait_until([&] { return process.output().find(shown) != std::string::npos; })) << process.output();
    process.signal(SIGINT);
    const auto status = process.wait(5s);
    EXPECT_NE(status, -1) << name << " goes on";
    return status;
  };
  EXPECT_EQ(ends({"status", "--watch", "--interval", "3600"}, "supervisor"), 0);
  EXPECT_EQ(ends({"trace", "--only", "sample"}, "sample"), 0);
  EXPECT_EQ(ends({"trace", "--battery", "nobody"}, "no battery and no port is called \"nobody\" now"), 0);
  EXPECT_EQ(ends({"probe", deaf}, "trying"), 128 + SIGINT);

  test::Process writing({program("bmsctl"), "--socket", directory / "sock", "capture", capture}, directory / "w.log");
  EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(capture) && std::filesystem::file_size(capture) > 0; }));
  writing.signal(SIGTERM);
  EXPECT_EQ(writing.wait(5s), 0);
  EXPECT_THAT(writing.output(), HasSubstr("cycles written"));
}

TEST_F(Ctl, WatchEndsWithTheDaemon) {
  start_one();
  test::Process watch({program("bmsctl"), "--socket", directory / "sock", "status", "--watch", "--interval", "3600"},
                      directory / "watch.log");
  EXPECT_TRUE(wait_until([&] { return watch.output().find("supervisor") != std::string::npos; }));
  daemon.signal(SIGTERM);
  EXPECT_EQ(watch.wait(), 1);
  EXPECT_THAT(watch.output(), HasSubstr("closed the connection"));
}

TEST_F(Ctl, CaptureCanBeDecoded) {
  start_one();
  const auto captured = ctl({"capture", directory / "capture.jsonl", "--seconds", "1.5"});
  EXPECT_EQ(captured.status, 0);
  EXPECT_THAT(captured.output, HasSubstr("cycles written"));
  const auto decoded = ctl({"decode", directory / "capture.jsonl"});
  EXPECT_EQ(decoded.status, 0) << decoded.output;
  const auto values = objects(decoded.output);
  ASSERT_GE(values.size(), 2U);
  EXPECT_THAT(values[1].dump(), AllOf(HasSubstr("\"soc\":62"), HasSubstr("\"current\":-10")));
  EXPECT_EQ(ctl({"capture", directory / "no/such/file"}).status, 1);
  const auto counted = objects(ctl({"capture", "--json", directory / "capture.jsonl", "--seconds", "0.5"}).output);
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_TRUE(counted[0].contains("cycles")) << counted[0].dump();
}

TEST_F(Ctl, DecodeGivesOneLineForEachAlsoForWhatIsWrong) {
  for (const std::string name : {"lltjbd", "pylontech_can", "mqtt_json"}) {
    const auto decoded = ctl({"decode", std::string(BMSD_TEST_DATA) + "/captures/" + name + ".jsonl"});
    std::ifstream stream(std::string(BMSD_TEST_DATA) + "/captures/" + name + ".jsonl");
    std::size_t lines = 0;
    for (std::string line; std::getline(stream, line);) {
      lines += line.empty() ? 0 : 1;
    }
    EXPECT_EQ(objects(decoded.output).size(), lines) << name;
  }
  std::ofstream(directory / "bad.jsonl") << "no json\n\n{\"protocol\":\"nope\",\"cycle\":[]}\n[]\n";
  const auto bad = ctl({"decode", directory / "bad.jsonl"});
  EXPECT_EQ(bad.status, 1);
  const auto lines = objects(bad.output);
  ASSERT_EQ(lines.size(), 3U) << bad.output;
  for (const auto& line : lines) {
    EXPECT_TRUE(line.contains("error")) << line.dump();
  }
  EXPECT_THAT(ctl({"decode", "--protocol", "nope", directory / "bad.jsonl"}).output, HasSubstr("bmsctl protocols"));
  EXPECT_EQ(ctl({"decode", directory / "none"}).status, 1);
  const auto folder = ctl({"decode", directory / "."});
  EXPECT_EQ(folder.status, 1);
  EXPECT_THAT(folder.output, HasSubstr("is a directory"));
}

TEST_F(Ctl, ProtocolsAndProbe) {
  const auto table = ctl({"protocols"});
  EXPECT_THAT(table.output, AllOf(HasSubstr("lltjbd"), HasSubstr("pylontech_can"), HasSubstr("mqtt_json")));
  EXPECT_TRUE(Json::parse(ctl({"protocols", "--json"}).output, nullptr, false).is_array());

  sim = simulate("lltjbd", tty("ttyA"), {"--soc", "62", "--capacity", "280"});
  const auto probed = ctl({"probe", tty("ttyA") + ",protocol=lltjbd", "--json"});
  EXPECT_EQ(probed.status, 0) << probed.output;
  const auto finds = objects(probed.output);
  ASSERT_EQ(finds.size(), 1U);
  EXPECT_THAT(finds[0].dump(), HasSubstr("lltjbd"));
  EXPECT_THAT(ctl({"probe", tty("ttyA") + ",protocol=lltjbd"}).output, HasSubstr("280"));
  const auto missing = ctl({"probe", tty("none")});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.output, HasSubstr("No such file"));
  EXPECT_EQ(ctl({"probe", "nonsense:x"}).status, 1);
}

TEST_F(Ctl, SetSaysWhatCameOfIt) {
  start_bus();
  start_one();
  const auto id = battery("ttyA").value("id", std::string());
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); }));
  EXPECT_EQ(ctl({"set", id, "/CustomName", "Cellar"}).status, 0);
  EXPECT_EQ(value(client, "ttyA", "/CustomName"), "v <s \"Cellar\">") << "at once";
  EXPECT_EQ(battery("ttyA").value("custom_name", std::string()), "Cellar");
  EXPECT_EQ(ctl({"set", id, "/Settings/ForceChargingOff", "1"}).status, 0) << daemon.output();
  EXPECT_EQ(value(client, "ttyA", "/Settings/ForceChargingOff"), "v <i 1>");
  EXPECT_TRUE(wait_until([&] { return !battery("ttyA").value("charge_enabled", true); })) << battery("ttyA").dump();
  EXPECT_EQ(ctl({"set", id, "/Settings/ForceChargingOff", "7"}).status, 1);
  const auto refused = ctl({"set", id, "/Soc", "50"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, HasSubstr("cannot be written"));
  EXPECT_THAT(ctl({"set", "nobody", "/CustomName", "x"}).output, HasSubstr("there is no battery"));
  const auto done = objects(ctl({"set", "--json", id, "/CustomName", "Cellar"}).output);
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].value("code", -1), 0) << done[0].dump();
  const auto rejected = failures("rejected");
  EXPECT_EQ(client.set(service("ttyA"), "/Settings/ForceChargingOff", "s", "off"), "i 1");
  EXPECT_EQ(client.set(service("ttyA"), "/Settings/ForceChargingOff", "i", 7), "i 2");
  EXPECT_TRUE(wait_until([&] { return failures("rejected") == rejected + 2; })) << status().dump();
  EXPECT_THAT(daemon.output(), HasSubstr("a D-Bus client wrote /Settings/ForceChargingOff"));
  EXPECT_EQ(ctl({"restart", "session/ttyA"}).status, 0);
  EXPECT_EQ(ctl({"restart", "session/none"}).status, 1);
}

} // namespace
} // namespace bmsd
