#include "transports/mqtt_broker.hpp"
#include "transports/sigpipe.hpp"

#include <asio/post.hpp>

namespace bmsd::transports {

namespace {

class MqttLink final : public DocumentLink, private MqttBroker::Member {
public:
  MqttLink(asio::io_context& io, MqttOptions options, MqttTopics topics)
      : io_(io), options_(std::move(options)), topics_(std::move(topics)) {}
  ~MqttLink() override { depart(); }

  void open(OpenHandler handler) override {
    Error error;
    if (broker_) {
      error = {Fault::internal, "open() of a link that is open"};
    } else if (!is_topic_filter(topics_.documents)) {
      error = {Fault::rejected, "\"" + topics_.documents + "\" is no topic"};
    }
    if (error.fault != Fault::none) {
      asio::post(io_, life_.guard([handler = std::move(handler), error] { handler(error); }));
      return;
    }
    on_open_ = std::move(handler);
    broker_ = MqttBroker::shared(io_, options_);
    std::vector<std::string> filters = {topics_.documents};
    if (!topics_.availability.empty()) {
      filters.push_back(topics_.availability);
    }
    broker_->join(*this, std::move(filters));
  }

  void close() override {
    depart();
    if (on_open_) {
      asio::post(io_, life_.guard([handler = std::exchange(on_open_, nullptr)] {
        handler(Error{Fault::link, "closed"});
      }));
    }
  }

  std::string describe() const override {
    auto broker = to_string(MqttAddress{options_.host, options_.port, topics_.documents});
    return "MQTT " + broker.substr(broker.find(':') + 1);
  }

  Result<void> publish(const std::string& topic, const std::string& payload) override {
    return broker_ ? broker_->publish(topic, payload) : Result<void>(Error{Fault::link, "not open"});
  }

private:
  void depart() {
    if (broker_) {
      broker_->leave(*this);
      broker_.reset();
    }
  }

  void joined(const Result<void>& result) override {
    if (!result) {
      depart();
    }
    auto outcome =
        result ? result : Result<void>(Error{result.error().fault, describe() + ": " + result.error().detail});
    std::exchange(on_open_, nullptr)(outcome);
  }

  void left(const std::string& reason) override {
    depart();
    if (on_lost) {
      on_lost(reason);
    }
  }

  void arrived(const Document& document) override {
    if (document.topic == topics_.availability) {
      if (on_available) {
        on_available(document.payload != "offline");
      }
    } else if (on_document) {
      on_document(document);
    }
  }

  void noticed(const std::string& text) override {
    if (on_notice) {
      on_notice(text);
    }
  }

  asio::io_context& io_;
  MqttOptions options_;
  MqttTopics topics_;
  std::shared_ptr<MqttBroker> broker_;
  OpenHandler on_open_;
  Lifetime life_; // until the destructor
};

} // namespace

std::unique_ptr<DocumentLink> make_mqtt_link(asio::io_context& io, MqttOptions options, MqttTopics topics) {
  ignore_sigpipe();
  return std::make_unique<MqttLink>(io, std::move(options), std::move(topics));
}

} // namespace bmsd::transports
