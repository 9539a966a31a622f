#include "transports/exchange_engine.hpp"
#include "transports/links.hpp"
#include "transports/serial_port.hpp"

namespace bmsd::transports {

namespace {

class SerialChannel final : public ByteChannel {
public:
  explicit SerialChannel(SerialOptions options) : options_(std::move(options)) {}

  void open(OpenHandler handler) override {
    auto path = options_.resolve ? options_.resolve() : options_.path;
    if (path.empty()) {
      handler(Error{Fault::link, describe() + ": the adapter is not plugged in"});
      return;
    }
    auto opened = port_.open(path, options_.line);
    handler(opened ? Result<int>(port_.fd()) : Result<int>(opened.error()));
  }
  void close() override { port_.close(); }
  Result<void> set_line(LineSettings line) override {
    auto set = port_.fd() >= 0 ? port_.set_line(line) : Result<void>();
    if (set) {
      options_.line = line;
    }
    return set;
  }
  void wake_at(std::size_t bytes) override { port_.wake_at(bytes); }
  std::chrono::nanoseconds wire_time(std::size_t bytes) const override { return port_.wire_time(bytes); }
  std::string describe() const override { return "Serial " + options_.path; }

private:
  SerialOptions options_;
  SerialPort port_;
};

} // namespace

std::unique_ptr<ExchangeLink> make_serial_link(asio::io_context& io, SerialOptions options) {
  return std::make_unique<ExchangeEngine>(io, std::make_unique<SerialChannel>(std::move(options)));
}

} // namespace bmsd::transports
