// Which adapter is behind a tty, and where an adapter is now.
//
// ttyUSB numbers follow the order of plugging in. What stays is the serial number of the adapter,
// or, for the many that have none, the USB port that it sits in (udev's ID_PATH).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bmsd::transports {

struct Adapter {
  std::string tty;           ///< "/dev/ttyUSB0"
  std::string usb_serial;    ///< ID_SERIAL_SHORT; empty: has none that tells it apart from others
  std::string usb_path;      ///< ID_PATH: "platform-...-usb-0:1.2:1.0"
  std::string usb_interface; ///< of an adapter with several ports: "00", "01"
  std::string vendor_model;  ///< "FTDI FT232R_USB_UART"
  std::string ve_service;    ///< VE_SERVICE: what Venus OS takes this port for; "ignore": left to us
  std::string driver;        ///< "ftdi_sio"
  bool usb = false;
  friend bool operator==(const Adapter&, const Adapter&) = default;
};

/// The ttys that are backed by hardware. Real: udev. A test moves adapters at will.
class AdapterSource {
public:
  virtual ~AdapterSource() = default;
  virtual std::vector<Adapter> list() = 0;
};

/// libudev, without a daemon at need: what udev's database lacks comes from sysfs.
std::unique_ptr<AdapterSource> make_udev_source();

/// The adapter behind a path, symlinks such as /dev/serial/by-id/... included.
std::optional<Adapter> adapter_of(const std::string& path, AdapterSource& source);

/// Ports that a search may probe: USB adapters that Venus OS does not claim for another device.
std::vector<Adapter> list_serial_adapters(AdapterSource& source);

/// The tty of the same adapter now. Empty: it is not there, or several could be it, which is the
/// same: another battery's port must never be taken for this one.
std::optional<std::string> find_adapter(const Adapter& identity, AdapterSource& source);

} // namespace bmsd::transports
