#include "actors/port/link_factory.hpp"

#include "transports/adapter.hpp"
#include "transports/links.hpp"

namespace bmsd::actors {

namespace {

/// Where the port's adapter is now: the configured one, else the one that was behind the path when it
/// was opened first. A tty that is no adapter (a pseudo terminal, a built-in port) stays what it is.
transports::PathResolver resolver(const PortConfig& config, const std::string& path) {
  struct Memory {
    std::unique_ptr<transports::AdapterSource> source = transports::make_udev_source();
    std::optional<transports::Adapter> adapter;
  };
  auto memory = std::make_shared<Memory>();
  return [memory, path, wanted = config.adapter]() -> std::string {
    if (!wanted.empty()) {
      transports::Adapter by_serial, by_path;
      by_serial.usb_serial = wanted;
      by_path.usb_path = wanted;
      auto found = transports::find_adapter(by_serial, *memory->source);
      return found ? *found : transports::find_adapter(by_path, *memory->source).value_or("");
    }
    if (!memory->adapter) {
      memory->adapter = transports::adapter_of(path, *memory->source);
    }
    if (!memory->adapter || !memory->adapter->usb) {
      return path;
    }
    return transports::find_adapter(*memory->adapter, *memory->source).value_or("");
  };
}

transports::MqttOptions broker_options(const transports::MqttAddress& address, const MqttAccess& access) {
  transports::MqttOptions options;
  options.host = address.host;
  options.port = address.port;
  options.user = access.username;
  options.password = access.password;
  options.password_file = access.password_file;
  options.tls = access.tls;
  options.ca_file = access.ca_file;
  options.client_cert = access.certificate;
  options.client_key = access.key;
  options.tls_insecure = access.insecure;
  return options;
}

struct Maker {
  asio::io_context& io;
  const PortConfig& config;

  MadeLink operator()(const transports::SerialAddress& address) const {
    return {transports::make_serial_link(io, {address.path, resolver(config, address.path), {}}), nullptr, nullptr};
  }
  MadeLink operator()(const transports::TcpAddress& address) const {
    return {transports::make_tcp_link(io, {.host = address.host, .port = address.port}), nullptr, nullptr};
  }
  MadeLink operator()(const transports::CanAddress& address) const {
    return {nullptr, transports::make_socketcan_link(io, {.interface = address.interface, .filters = {}}), nullptr};
  }
  MadeLink operator()(const transports::SlcanAddress& address) const {
    return {nullptr,
            transports::make_slcan_link(
                io, {.path = address.path, .resolve = resolver(config, address.path), .bitrate = address.bitrate}),
            nullptr};
  }
  MadeLink operator()(const transports::MqttAddress& address) const {
    return {nullptr, nullptr,
            transports::make_mqtt_link(io, broker_options(address, config.mqtt),
                                       {address.topic, config.mqtt.availability_topic})};
  }
};

} // namespace

transports::Link* MadeLink::get() const {
  return line  ? static_cast<transports::Link*>(line.get())
         : bus ? static_cast<transports::Link*>(bus.get())
               : broker.get();
}

MadeLink make_link(asio::io_context& io, const PortConfig& config) {
  return std::visit(Maker{io, config}, config.address);
}

std::string describe(const PortConfig& config) {
  struct {
    std::string operator()(const transports::SerialAddress& a) const { return "Serial " + a.path; }
    std::string operator()(const transports::TcpAddress& a) const {
      return "TCP " + a.host + ":" + std::to_string(a.port);
    }
    std::string operator()(const transports::CanAddress& a) const { return "CAN " + a.interface; }
    std::string operator()(const transports::SlcanAddress& a) const { return "CAN slcan " + a.path; }
    std::string operator()(const transports::MqttAddress& a) const { return "MQTT: " + a.topic; }
  } text;
  return std::visit(text, config.address);
}

} // namespace bmsd::actors
