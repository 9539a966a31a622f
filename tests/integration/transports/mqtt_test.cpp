// MQTT links against a real broker.
#include "broker.hpp"
#include "transports/links.hpp"
#include "unit/transports/run_io.hpp"

#include <gmock/gmock.h>

namespace bmsd::transports::test {
namespace {

using testing::HasSubstr;

class Mqtt : public testing::Test {
protected:
  MqttOptions options(const Broker& broker) {
    MqttOptions result;
    result.host = "127.0.0.1";
    result.port = broker.port;
    return result;
  }
  std::unique_ptr<DocumentLink> make(const MqttOptions& with, MqttTopics topics) {
    auto link = make_mqtt_link(io, with, std::move(topics));
    link->on_document = [this](const Document& document) { documents.push_back(document); };
    link->on_lost = [this](std::string reason) { lost.push_back(std::move(reason)); };
    return link;
  }
  bool wait(std::size_t count) {
    return run_until(io, [&] { return documents.size() >= count; });
  }

  asio::io_context io;
  std::vector<Document> documents;
  std::vector<std::string> lost;
};

TEST_F(Mqtt, documents_retained_flag_and_wildcards) {
  Broker broker;
  broker.start();
  broker.run("mosquitto_pub -p " + std::to_string(broker.port) + " -t solar/1/battery -r -m old");
  auto link = make(options(broker), {"solar/+/battery", ""});
  EXPECT_EQ(link->describe(), "MQTT 127.0.0.1:" + std::to_string(broker.port) + "/solar/+/battery");
  ASSERT_TRUE(open(io, *link));
  ASSERT_TRUE(wait(1));
  EXPECT_EQ(documents[0], (Document{"solar/1/battery", "old", true}));
  ASSERT_TRUE(link->publish("solar/2/battery", "{\"Soc\":63}"));
  ASSERT_TRUE(link->publish("solar/2/other", "not for us"));
  ASSERT_TRUE(link->publish("solar/3/battery", ""));
  ASSERT_TRUE(wait(3));
  EXPECT_EQ(documents[1], (Document{"solar/2/battery", "{\"Soc\":63}", false}));
  EXPECT_EQ(documents[2], (Document{"solar/3/battery", "", false}));
}

TEST_F(Mqtt, links_share_one_connection) {
  Broker broker;
  broker.start();
  auto first = make(options(broker), {"a", ""});
  auto second = make(options(broker), {"b", ""});
  ASSERT_TRUE(open(io, *first));
  ASSERT_TRUE(open(io, *second));
  ASSERT_TRUE(second->publish("a", "1"));
  ASSERT_TRUE(wait(1));
  EXPECT_EQ(documents[0].topic, "a");
  first->close();
  ASSERT_TRUE(second->publish("a", "2"));
  ASSERT_TRUE(second->publish("b", "3"));
  ASSERT_TRUE(wait(2));
  EXPECT_EQ(documents[1], (Document{"b", "3", false}));
  EXPECT_EQ(first->publish("a", "").error().fault, Fault::link);
  EXPECT_EQ(broker.clients_seen("bmsd-"), 1);
  auto other_user = options(broker);
  other_user.user = "other";
  auto third = make(other_user, {"c", ""});
  ASSERT_TRUE(open(io, *third));
  EXPECT_EQ(broker.clients_seen("bmsd-"), 2) << "one connection per broker and credentials";
}

TEST_F(Mqtt, two_batteries_on_one_topic_both_hear_it) {
  Broker broker;
  broker.start();
  auto first = make(options(broker), {"a/#", ""});
  auto second = make(options(broker), {"a/#", ""});
  ASSERT_TRUE(open(io, *first));
  ASSERT_TRUE(open(io, *second));
  ASSERT_TRUE(first->publish("a/b", "1"));
  ASSERT_TRUE(wait(2));
  first->close();
  ASSERT_TRUE(second->publish("a/b", "2"));
  ASSERT_TRUE(wait(3)) << "the topic is still subscribed";
}

TEST_F(Mqtt, broker_stopped_and_restarted) {
  Broker broker;
  broker.start();
  auto first = make(options(broker), {"a", ""});
  auto second = make(options(broker), {"b", ""});
  ASSERT_TRUE(open(io, *first));
  ASSERT_TRUE(open(io, *second));
  broker.stop();
  ASSERT_TRUE(run_until(io, [&] { return lost.size() == 2; }));
  EXPECT_EQ(first->publish("a", "").error().fault, Fault::link);
  auto refused = open(io, *first);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("Connection refused"));
  broker.start();
  ASSERT_TRUE(open(io, *first));
  ASSERT_TRUE(open(io, *second));
  ASSERT_TRUE(second->publish("a", "again"));
  ASSERT_TRUE(wait(1));
  EXPECT_EQ(documents[0].payload, "again");
  EXPECT_EQ(lost.size(), 2U);
}

TEST_F(Mqtt, user_and_password) {
  Broker broker("allow_anonymous false\npassword_file %DIR%/users\n");
  broker.run("mosquitto_passwd -b -c users gx secret");
  broker.start();
  auto with = options(broker);
  auto anonymous = open(io, *make(with, {"a", ""}));
  ASSERT_FALSE(anonymous);
  EXPECT_THAT(anonymous.error().detail, HasSubstr("not authorised"));
  with.user = "gx";
  with.password = "wrong";
  EXPECT_FALSE(open(io, *make(with, {"a", ""})));
  with.password = "secret";
  EXPECT_TRUE(open(io, *make(with, {"a", ""})));

  with.password.clear();
  with.password_file = broker.dir + "/password";
  auto missing = open(io, *make(with, {"a", ""}));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().detail, HasSubstr("/password: no password in this file"));
  std::ofstream(with.password_file) << "secret\nnot this\n";
  EXPECT_TRUE(open(io, *make(with, {"a", ""})));
}

TEST_F(Mqtt, tls) {
  Broker broker("allow_anonymous true\ncafile %DIR%/ca.crt\ncertfile %DIR%/server.crt\nkeyfile %DIR%/server.key\n");
  broker.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 2");
  broker.run("openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
  broker.run("printf 'subjectAltName=DNS:localhost' >ext; openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key "
             "-CAcreateserial -out server.crt -days 2 -extfile ext");
  broker.start();
  auto with = options(broker);
  with.host = "localhost";
  with.tls = true;
  with.ca_file = broker.dir + "/ca.crt";
  auto link = make(with, {"a", ""});
  ASSERT_TRUE(open(io, *link));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(link->publish("a", std::string(500, 'x')));
  }
  ASSERT_TRUE(wait(200)) << documents.size();

  auto untrusted = with;
  untrusted.ca_file.clear();
  EXPECT_FALSE(open(io, *make(untrusted, {"a", ""}))) << "verification is on by default";
  untrusted.tls_insecure = true;
  EXPECT_TRUE(open(io, *make(untrusted, {"a", ""})));
  auto other_name = with;
  other_name.host = "127.0.0.1";
  EXPECT_FALSE(open(io, *make(other_name, {"a", ""}))) << "the certificate names localhost";
  auto wrong_file = with;
  wrong_file.ca_file = broker.dir + "/no.crt";
  auto outcome = open(io, *make(wrong_file, {"a", ""}));
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().detail, HasSubstr("TLS"));
}

TEST_F(Mqtt, client_certificate) {
  Broker broker("allow_anonymous true\ncafile %DIR%/ca.crt\ncertfile %DIR%/server.crt\nkeyfile %DIR%/server.key\n"
                "require_certificate true\n");
  broker.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 2");
  for (std::string who : {"server", "client"}) {
    broker.run("openssl req -newkey rsa:2048 -nodes -keyout " + who + ".key -out " + who +
               ".csr -subj /CN=localhost && openssl x509 -req -in " + who +
               ".csr -CA ca.crt -CAkey ca.key -CAcreateserial -out " + who + ".crt -days 2");
  }
  broker.start();
  auto with = options(broker);
  with.host = "localhost";
  with.tls = true;
  with.ca_file = broker.dir + "/ca.crt";
  EXPECT_FALSE(open(io, *make(with, {"a", ""})));
  with.client_cert = broker.dir + "/client.crt";
  with.client_key = broker.dir + "/client.key";
  EXPECT_TRUE(open(io, *make(with, {"a", ""})));
}

TEST_F(Mqtt, availability_topic) {
  Broker broker;
  broker.start();
  auto link = make(options(broker), {"bms/data", "bms/status"});
  std::vector<bool> available;
  link->on_available = [&](bool value) { available.push_back(value); };
  ASSERT_TRUE(open(io, *link));
  ASSERT_TRUE(link->publish("bms/status", "offline"));
  ASSERT_TRUE(link->publish("bms/status", "online"));
  ASSERT_TRUE(link->publish("bms/data", "{}"));
  ASSERT_TRUE(wait(1));
  EXPECT_EQ(available, (std::vector<bool>{false, true}));
  EXPECT_EQ(documents[0].topic, "bms/data");
}

TEST_F(Mqtt, keep_alive_of_a_gx_device) {
  Broker broker;
  broker.start();
  auto listener = make(options(broker), {"R/#", ""});
  ASSERT_TRUE(open(io, *listener));
  auto gx = make(options(broker), {"N/c0619ab1/battery/512/#", ""});
  ASSERT_TRUE(open(io, *gx));
  ASSERT_TRUE(wait(1));
  EXPECT_EQ(documents[0], (Document{"R/c0619ab1/keepalive", "", false}));
}

TEST_F(Mqtt, giant_document_is_dropped) {
  Broker broker;
  broker.start();
  auto link = make(options(broker), {"a", ""});
  std::string notice;
  link->on_notice = [&](std::string text) { notice = std::move(text); };
  ASSERT_TRUE(open(io, *link));
  ASSERT_TRUE(link->publish("a", std::string(256 * 1024 + 1, 'x')));
  ASSERT_TRUE(link->publish("a", std::string(256 * 1024, 'y')));
  ASSERT_TRUE(wait(1));
  EXPECT_EQ(documents[0].payload.size(), 256U * 1024);
  EXPECT_THAT(notice, HasSubstr("262145 bytes dropped"));
}

TEST_F(Mqtt, unknown_host_and_silent_host) {
  MqttOptions with;
  with.host = "no-such-host.invalid";
  with.connect_limit = 30s;
  EXPECT_FALSE(open(io, *make(with, {"a", ""}), 31s));

  // A listener that never accepts: TCP connects, MQTT does not answer.
  Broker silent;
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(silent.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  with = options(silent);
  with.connect_limit = 200ms;
  auto outcome = open(io, *make(with, {"a", ""}));
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().detail, HasSubstr("no connection in 200 ms"));
  ::close(fd);
}

TEST_F(Mqtt, close_and_destroy_at_any_moment) {
  Broker broker;
  broker.start();
  for (int step = 0; step < 12; ++step) {
    auto link = make(options(broker), {"a", ""});
    bool answered = false;
    link->open([&](const Result<void>&) { answered = true; });
    for (int i = 0; i < step; ++i) {
      io.restart();
      io.run_one_for(2ms);
    }
    link->close();
    EXPECT_TRUE(run_until(io, [&] { return answered; })) << step;
  }
  for (int step = 0; step < 12; ++step) {
    auto link = make(options(broker), {"a", ""});
    link->open([](const Result<void>&) {});
    for (int i = 0; i < step; ++i) {
      io.restart();
      io.run_one_for(2ms);
    }
  }
  run_for(io, 50ms);
  EXPECT_TRUE(lost.empty());
}

} // namespace
} // namespace bmsd::transports::test
