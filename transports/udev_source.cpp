#include "transports/adapter.hpp"

#include <libudev.h>

#include <cstring>
#include <string_view>

namespace bmsd::transports {

namespace {

template <auto Release>
struct Unref {
  template <class T>
  void operator()(T* object) const {
    Release(object);
  }
};
using Udev = std::unique_ptr<udev, Unref<udev_unref>>;
using Enumeration = std::unique_ptr<udev_enumerate, Unref<udev_enumerate_unref>>;
using Device = std::unique_ptr<udev_device, Unref<udev_device_unref>>;

std::string text(const char* value) {
  return value == nullptr ? "" : value;
}

std::string property(udev_device* device, const char* name) {
  return text(udev_device_get_property_value(device, name));
}

std::string attribute(udev_device* device, const char* name) {
  return device == nullptr ? "" : text(udev_device_get_sysattr_value(device, name));
}

std::string first_of(std::string preferred, std::string fallback) {
  return preferred.empty() ? std::move(fallback) : std::move(preferred);
}

Adapter describe(udev_device* device) {
  // Parents belong to the device and are not released.
  auto* usb = udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device");
  auto* interface = udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_interface");
  Adapter adapter;
  adapter.tty = text(udev_device_get_devnode(device));
  adapter.usb = usb != nullptr;
  adapter.usb_serial = first_of(property(device, "ID_SERIAL_SHORT"), attribute(usb, "serial"));
  adapter.usb_path =
      first_of(property(device, "ID_PATH"), interface == nullptr ? "" : text(udev_device_get_sysname(interface)));
  adapter.usb_interface = first_of(property(device, "ID_USB_INTERFACE_NUM"), attribute(interface, "bInterfaceNumber"));
  auto vendor = first_of(property(device, "ID_VENDOR_ID"), attribute(usb, "idVendor"));
  auto model = first_of(property(device, "ID_MODEL_ID"), attribute(usb, "idProduct"));
  auto name = first_of(property(device, "ID_MODEL"), attribute(usb, "product"));
  adapter.vendor_model = vendor.empty() ? name : vendor + ":" + model + " " + name;
  adapter.ve_service = property(device, "VE_SERVICE");
  auto* parent = udev_device_get_parent(device);
  adapter.driver = parent == nullptr ? "" : text(udev_device_get_driver(parent));
  return adapter;
}

class UdevSource final : public AdapterSource {
public:
  std::vector<Adapter> list() override {
    std::vector<Adapter> adapters;
    Udev udev(udev_new());
    Enumeration enumeration(udev ? udev_enumerate_new(udev.get()) : nullptr);
    if (!enumeration || udev_enumerate_add_match_subsystem(enumeration.get(), "tty") < 0 ||
        udev_enumerate_scan_devices(enumeration.get()) < 0) {
      return adapters;
    }
    udev_list_entry* entry = nullptr;
    udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumeration.get())) {
      Device device(udev_device_new_from_syspath(udev.get(), udev_list_entry_get_name(entry)));
      // Consoles and ptys have no parent device.
      if (device && udev_device_get_parent(device.get()) != nullptr &&
          udev_device_get_devnode(device.get()) != nullptr) {
        adapters.push_back(describe(device.get()));
      }
    }
    return adapters;
  }
};

} // namespace

std::unique_ptr<AdapterSource> make_udev_source() {
  return std::make_unique<UdevSource>();
}

} // namespace bmsd::transports
