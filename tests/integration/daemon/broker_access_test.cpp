// The daemon and a broker that wants to know who is there: TLS, user and password.
#include "daemon_fixture.hpp"
#include "integration/transports/broker.hpp"

#include <sstream>

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::wait_until;
using ::testing::HasSubstr;
using transports::test::Broker;

class BrokerAccess : public DaemonTest {
protected:
  void SetUp() override {
    start_bus();
    broker.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 2");
    broker.run("openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
    broker.run("printf 'subjectAltName=DNS:localhost' >ext; openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key "
               "-CAcreateserial -out server.crt -days 2 -extfile ext");
    broker.run("mosquitto_passwd -b -c users gx secret");
    broker.start();
    link = "mqtt:localhost:" + std::to_string(broker.port) + "/house";
    sim = simulate(
        "mqtt_json", link,
        {"--soc", "45", "--mqtt-ca", broker.dir + "/ca.crt", "--mqtt-user", "gx", "--mqtt-password", "secret"});
  }

  /// What the log says about the port.
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    std::istringstream stream(daemon.output());
    for (std::string line; std::getline(stream, line);) {
      if (line.find("mqtt_house: ") != std::string::npos) {
        lines.push_back(line);
      }
    }
    return lines;
  }
  int attempts() const {
    std::ifstream log(broker.dir + "/log");
    int count = 0;
    for (std::string line; std::getline(log, line);) {
      count += line.find("not authorised") != std::string::npos ? 1 : 0;
    }
    return count;
  }

  Broker broker{"allow_anonymous false\npassword_file %DIR%/users\ncafile %DIR%/ca.crt\n"
                "certfile %DIR%/server.crt\nkeyfile %DIR%/server.key\n"};
  std::string link;
  test::Process sim;
};

TEST_F(BrokerAccess, TlsAndPasswordFromTheConfiguration) {
  configure("[DEFAULT]\n"
            "MQTT_TOPIC = house\nMQTT_BROKER_ADDRESS = localhost\nMQTT_BROKER_PORT = " +
            std::to_string(broker.port) + "\nMQTT_TLS_ENABLED = True\nMQTT_TLS_PATH_TO_CA = " + broker.dir +
            "/ca.crt\nMQTT_USERNAME = gx\nMQTT_PASSWORD = secret\n");
  start({});
  test::DbusClient client(bus->address());
  EXPECT_TRUE(wait_until([&] { return value(client, "mqtt_house", "/Soc") == "v <d 45>"; }, 15s)) << daemon.output();
  EXPECT_THAT(daemon.output(), ::testing::Not(HasSubstr("secret")));
}

TEST_F(BrokerAccess, AWrongPasswordIsSaidOnceAndTriedOn) {
  const auto section = [&](const std::string& password) {
    return "[port mqtt_house]\nlink = " + link + "\nmqtt_tls = true\nmqtt_ca = " + broker.dir +
           "/ca.crt\nmqtt_username = gx\nmqtt_password_file = " + password + "\n";
  };
  std::ofstream(directory / "password") << "wrong\n";
  configure(section(directory / "password"));
  start({});
  ASSERT_TRUE(wait_until([&] { return attempts() >= 2; }, 15s)) << daemon.output();
  ASSERT_EQ(told().size(), 1U) << daemon.output();
  EXPECT_THAT(told().front(), HasSubstr("not authorised"));
  EXPECT_EQ(entry("ports", "name", "mqtt_house").value("state", std::string()), "waiting");

  std::ofstream(directory / "password") << "secret\n";
  test::DbusClient client(bus->address());
  EXPECT_TRUE(wait_until([&] { return value(client, "mqtt_house", "/Soc") == "v <d 45>"; }, 20s)) << daemon.output();
}

TEST_F(BrokerAccess, ABrokerThatIsNotTheOneIsRefused) {
  // The certificate names localhost.
  start({"mqtt:127.0.0.1:" + std::to_string(broker.port) + "/house,mqtt_tls=true,mqtt_ca=" + broker.dir +
         "/ca.crt,mqtt_username=gx,mqtt_password=secret"});
  ASSERT_TRUE(wait_until([&] { return !told().empty(); })) << daemon.output();
  EXPECT_THAT(told().front(), HasSubstr("TLS")) << daemon.output();
  EXPECT_EQ(entry("ports", "name", "mqtt_house").value("state", std::string()), "waiting");
}

TEST_F(BrokerAccess, WithoutTlsTheBrokerAnswersNothingThatIsTakenForData) {
  start({link + ",mqtt_username=gx,mqtt_password=secret"});
  ASSERT_TRUE(wait_until([&] { return !told().empty(); })) << daemon.output();
  EXPECT_EQ(status()["batteries"].size(), 0U);
  EXPECT_TRUE(daemon.running());
}

TEST_F(BrokerAccess, ADeviceThatSaysGoodbyeIsOfflineAtOnce) {
  start({link + ",mqtt_tls=true,mqtt_ca=" + broker.dir +
         "/ca.crt,mqtt_username=gx,mqtt_password=secret,mqtt_availability_topic=house/state"});
  ASSERT_TRUE(wait_for_link("mqtt_house", "up")) << daemon.output();
  const auto publish = [&](const std::string& payload) {
    EXPECT_EQ(test::run({"mosquitto_pub", "-h", "localhost", "-p", std::to_string(broker.port), "--cafile",
                         broker.dir + "/ca.crt", "-u", "gx", "-P", "secret", "-t", "house/state", "-m", payload})
                  .status,
              0);
  };
  sim.signal(SIGSTOP);
  publish("offline");
  EXPECT_TRUE(wait_for_link("mqtt_house", "silent", 5s)) << status().dump();
  EXPECT_THAT(battery("mqtt_house").value("reason", std::string()), HasSubstr("offline"));
  publish("online");
  sim.signal(SIGCONT);
  EXPECT_TRUE(wait_for_link("mqtt_house", "up")) << daemon.output();
}

} // namespace
} // namespace bmsd
