#include "support/dbus_client.hpp"

#include <cstring>
#include <sstream>
#include <stdexcept>

namespace bmsd::test {

namespace {

void describe_next(sd_bus_message* message, std::ostream& out);

template <class T>
T read_basic(sd_bus_message* message, char type) {
  T value{};
  sd_bus_message_read_basic(message, type, &value);
  return value;
}

void describe_basic(sd_bus_message* message, char type, std::ostream& out) {
  switch (type) {
  case 'y': out << int{read_basic<std::uint8_t>(message, type)}; break;
  case 'b': out << (read_basic<int>(message, type) != 0 ? "true" : "false"); break;
  case 'n': out << read_basic<std::int16_t>(message, type); break;
  case 'q': out << read_basic<std::uint16_t>(message, type); break;
  case 'i': out << read_basic<std::int32_t>(message, type); break;
  case 'u': out << read_basic<std::uint32_t>(message, type); break;
  case 'x': out << read_basic<std::int64_t>(message, type); break;
  case 't': out << read_basic<std::uint64_t>(message, type); break;
  case 'd': out << read_basic<double>(message, type); break;
  default: out << '"' << read_basic<const char*>(message, type) << '"'; break;
  }
}

void describe_container(sd_bus_message* message, char type, const std::string& contents, std::ostream& out) {
  sd_bus_message_enter_container(message, type, contents.c_str());
  bool dictionary = contents[0] == '{';
  const char* separator = "";
  if (type == 'v') {
    out << '<' << contents << ' ';
  } else if (type == 'a') {
    out << (dictionary ? '{' : '[');
    separator = ", ";
  } else if (type == 'e') {
    separator = ": ";
  }
  for (int n = 0; sd_bus_message_at_end(message, 0) == 0; ++n) {
    out << (n > 0 ? separator : "");
    describe_next(message, out);
  }
  if (type == 'v') {
    out << '>';
  } else if (type == 'a') {
    out << (dictionary ? '}' : ']');
  }
  sd_bus_message_exit_container(message);
}

void describe_next(sd_bus_message* message, std::ostream& out) {
  char type = 0;
  const char* contents = nullptr;
  if (sd_bus_message_peek_type(message, &type, &contents) <= 0) {
    return;
  }
  contents ? describe_container(message, type, contents, out) : describe_basic(message, type, out);
}

} // namespace

std::string describe(sd_bus_message* message) {
  sd_bus_message_rewind(message, 1);
  std::ostringstream out;
  out.precision(12);
  out << sd_bus_message_get_signature(message, 1);
  while (sd_bus_message_at_end(message, 1) == 0) {
    out << ' ';
    describe_next(message, out);
  }
  return out.str();
}

DbusClient::DbusClient(const std::string& address) {
  if (sd_bus_new(&bus_) < 0 || sd_bus_set_address(bus_, address.c_str()) < 0 || sd_bus_set_bus_client(bus_, 1) < 0 ||
      sd_bus_start(bus_) < 0 || unique_name().empty()) {
    throw std::runtime_error("no bus at " + address);
  }
}

DbusClient::~DbusClient() {
  sd_bus_close_unref(bus_);
}

std::string DbusClient::call(const std::string& destination, const std::string& path, const char* interface,
                             const char* member, const Fill& fill) {
  sd_bus_message *call = nullptr, *reply = nullptr;
  sd_bus_message_new_method_call(bus_, &call, destination.c_str(), path.c_str(), interface, member);
  if (fill) {
    fill(call);
  }
  sd_bus_error error{};
  std::string result;
  if (int code = sd_bus_call(bus_, call, 20'000'000, &error, &reply); code < 0) {
    result = std::string("error ") + (error.name ? error.name : std::strerror(-code));
  } else {
    result = describe(reply);
  }
  sd_bus_error_free(&error);
  sd_bus_message_unref(reply);
  sd_bus_message_unref(call);
  return result;
}

std::string DbusClient::item(const std::string& destination, const std::string& path, const char* member,
                             const Fill& fill) {
  return call(destination, path, "com.victronenergy.BusItem", member, fill);
}

void DbusClient::post(const std::string& destination, const std::string& path, const char* interface,
                      const char* member, const Fill& fill) {
  sd_bus_message* call = nullptr;
  sd_bus_message_new_method_call(bus_, &call, destination.c_str(), path.c_str(), interface, member);
  if (fill) {
    fill(call);
  }
  sd_bus_send(bus_, call, nullptr);
  sd_bus_message_unref(call);
}

std::string DbusClient::unique_name() const {
  const char* name = nullptr;
  return sd_bus_get_unique_name(bus_, &name) >= 0 ? name : "";
}

std::string DbusClient::owner(const std::string& name) {
  auto answer = call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
                     [&](sd_bus_message* m) { sd_bus_message_append(m, "s", name.c_str()); });
  return answer.starts_with("s \"") ? answer.substr(3, answer.size() - 4) : "";
}

int DbusClient::request_name(const std::string& name) {
  int result = sd_bus_request_name(bus_, name.c_str(), 0);
  return result >= 0 ? 1 : result == -EEXIST ? 3 : result;
}

void DbusClient::release_name(const std::string& name) {
  sd_bus_release_name(bus_, name.c_str());
}

void DbusClient::listen(const std::string& sender) {
  auto rule = "type='signal',interface='com.victronenergy.BusItem',sender='" + sender + "'";
  sd_bus_add_match(bus_, nullptr, rule.c_str(), on_signal, this);
}

int DbusClient::on_signal(sd_bus_message* message, void* user, sd_bus_error*) {
  static_cast<DbusClient*>(user)->signals.push_back(
      {sd_bus_message_get_path(message), sd_bus_message_get_member(message), describe(message)});
  return 0;
}

void DbusClient::on_owner_change(std::function<void(const std::string&, const std::string&)> seen) {
  owner_seen_ = std::move(seen);
  sd_bus_add_match(bus_, nullptr, "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'", on_owner,
                   this);
}

int DbusClient::on_owner(sd_bus_message* message, void* user, sd_bus_error*) {
  const char *name = nullptr, *before = nullptr, *after = nullptr;
  sd_bus_message_read(message, "sss", &name, &before, &after);
  static_cast<DbusClient*>(user)->owner_seen_(name, after);
  return 0;
}

bool DbusClient::run_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    if (sd_bus_process(bus_, nullptr) == 0) {
      sd_bus_wait(bus_, 20'000);
    }
  }
  return true;
}

void DbusClient::settle(const std::string& service) {
  call(service, "/", "org.freedesktop.DBus.Peer", "Ping");
  while (sd_bus_process(bus_, nullptr) > 0) {
  }
}

} // namespace bmsd::test
