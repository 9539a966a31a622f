#include "transports/dbus/remote_item.hpp"

#include "transports/dbus/remote_service.hpp"

namespace bmsd::dbus {

class RemoteItem::Impl : public std::enable_shared_from_this<RemoteItem::Impl> {
public:
  Impl(Connection& connection, std::string service, std::string path, ValueHandler on_value,
       AvailableHandler on_available)
      : path_(std::move(path)), on_value_(std::move(on_value)), on_available_(std::move(on_available)),
        service_(connection, std::move(service), [this](bool present) { on_presence(present); }) {}

  void start() {
    auto follow = [weak = weak_from_this()](sd_bus_message* signal) {
      if (auto self = weak.lock()) {
        visit_changes(signal, [&](std::string_view path, const Value& value) {
          if (path == self->path_) {
            self->set(value);
          }
        });
      }
    };
    service_.subscribe("member='ItemsChanged',path='/'", follow);
    service_.subscribe("member='PropertiesChanged',path='" + path_ + "'", follow);
    service_.start();
  }

  void shut() {
    on_value_ = nullptr;
    on_available_ = nullptr;
  }

  const Value& value() const { return value_; }
  bool available() const { return service_.present(); }

private:
  void on_presence(bool present) {
    auto self = weak_from_this().lock();
    if (!self) {
      return;
    }
    if (!present) {
      set({});
    } else {
      service_.call(path_, kBusItem, "GetValue", nullptr,
                    [weak = weak_from_this()](sd_bus_message* reply, const Error&) {
                      auto alive = weak.lock();
                      if (auto value = alive && reply ? read_variant(reply) : std::nullopt) {
                        alive->set(*value);
                      }
                    });
    }
    if (auto handler = on_available_) {
      handler(present);
    }
  }

  void set(const Value& value) {
    if (value != value_) {
      value_ = value;
      if (auto handler = on_value_) {
        handler(value);
      }
    }
  }

  std::string path_;
  ValueHandler on_value_;
  AvailableHandler on_available_;
  Value value_;
  RemoteService service_;
};

RemoteItem::RemoteItem(Connection& connection, std::string service, std::string path, ValueHandler on_value,
                       AvailableHandler on_available)
    : impl_(std::make_shared<Impl>(connection, std::move(service), std::move(path), std::move(on_value),
                                   std::move(on_available))) {
  impl_->start();
}

RemoteItem::~RemoteItem() {
  impl_->shut();
}

const Value& RemoteItem::value() const {
  return impl_->value();
}

bool RemoteItem::available() const {
  return impl_->available();
}

} // namespace bmsd::dbus
