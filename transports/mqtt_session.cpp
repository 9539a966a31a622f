#include "transports/mqtt_session.hpp"

#include <mosquitto.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>

namespace bmsd::transports {

namespace {

/// Documents beyond this are dropped; a battery's JSON has a few kB.
constexpr int kMaxPayload = 256 * 1024;
/// Packets handled before other work gets its turn.
constexpr int kMaxPackets = 64;
constexpr int kFirstFailureCode = 0x80; // SUBACK: MQTT 3.1.1, 3.9.3
constexpr const char* kSystemCertificates = "/etc/ssl/certs";

/// A broker throws out the older of two clients with the same id.
std::string unique_client_id() {
  static std::atomic<unsigned> count{0};
  static const unsigned salt = std::random_device{}();
  return "bmsd-" + std::to_string(::getpid()) + "-" + std::to_string(salt) + "-" + std::to_string(++count);
}

Error failure(int code) {
  // MOSQ_ERR_ERRNO leaves the reason in errno, MOSQ_ERR_EAI stands for any failed look-up.
  const char* text = code == MOSQ_ERR_ERRNO ? std::strerror(errno)
                     : code == MOSQ_ERR_EAI ? "no such host"
                                            : mosquitto_strerror(code);
  return {code == MOSQ_ERR_INVAL ? Fault::rejected : Fault::link, text};
}

Result<void> outcome(int code) {
  return code == MOSQ_ERR_SUCCESS ? Result<void>() : Result<void>(failure(code));
}

MqttSession& self(void* object) {
  return *static_cast<MqttSession*>(object);
}

} // namespace

void MqttSession::Delete::operator()(mosquitto* handle) const {
  mosquitto_destroy(handle);
}

MqttSession::MqttSession(const MqttOptions& options) : options_(options) {
  [[maybe_unused]] static const int initialised = mosquitto_lib_init();
  mosquitto_.reset(mosquitto_new(unique_client_id().c_str(), true, this));
  auto* handle = mosquitto_.get();
  mosquitto_connect_callback_set(handle, [](mosquitto*, void* object, int code) {
    if (self(object).on_connack) {
      self(object).on_connack(code);
    }
  });
  mosquitto_subscribe_callback_set(handle, [](mosquitto*, void* object, int id, int count, const int* granted) {
    if (self(object).on_suback) {
      self(object).on_suback(id, count > 0 && granted[0] < kFirstFailureCode);
    }
  });
  mosquitto_message_callback_set(handle, [](mosquitto*, void* object, const mosquitto_message* message) {
    auto& session = self(object);
    if (message->payloadlen > kMaxPayload) {
      if (session.on_oversize) {
        session.on_oversize(message->topic, static_cast<std::size_t>(message->payloadlen));
      }
    } else if (session.on_message) {
      auto* begin = static_cast<const char*>(message->payload);
      std::string payload(begin, begin + message->payloadlen);
      session.on_message(Document{message->topic, std::move(payload), message->retain});
    }
  });
}

MqttSession::~MqttSession() = default;

Result<void> MqttSession::configure() {
  auto* handle = mosquitto_.get();
  auto password = options_.password;
  if (password.empty() && !options_.password_file.empty()) {
    std::ifstream file(options_.password_file);
    if (!std::getline(file, password)) {
      return Error{Fault::rejected, options_.password_file + ": no password in this file"};
    }
  }
  if (!options_.user.empty()) {
    mosquitto_username_pw_set(handle, options_.user.c_str(), password.empty() ? nullptr : password.c_str());
  }
  mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1);
  if (!options_.tls) {
    return {};
  }
  auto or_null = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  int code =
      mosquitto_tls_set(handle, or_null(options_.ca_file), options_.ca_file.empty() ? kSystemCertificates : nullptr,
                        or_null(options_.client_cert), or_null(options_.client_key), nullptr);
  if (code != MOSQ_ERR_SUCCESS) {
    return Error{Fault::rejected, "TLS: a certificate or key file cannot be read, or one of the pair is missing"};
  }
  if (options_.tls_insecure) {
    mosquitto_tls_opts_set(handle, 0, nullptr, nullptr);
    mosquitto_tls_insecure_set(handle, true);
  }
  return {};
}

Result<void> MqttSession::connect() {
  if (!mosquitto_) {
    return Error{Fault::internal, "out of memory"};
  }
  if (auto configured = configure(); !configured) {
    return configured;
  }
  return outcome(mosquitto_connect(mosquitto_.get(), options_.host.c_str(), options_.port,
                                   static_cast<int>(options_.keep_alive.count())));
}

int MqttSession::socket() const {
  return mosquitto_socket(mosquitto_.get());
}

Result<bool> MqttSession::read() {
  // One call takes one packet. Only errno tells an empty socket from a packet, and the socket does
  // not show what TLS has decrypted already.
  for (int packet = 0; packet < kMaxPackets; ++packet) {
    errno = 0;
    if (int code = mosquitto_loop_read(mosquitto_.get(), 1); code != MOSQ_ERR_SUCCESS) {
      return failure(code);
    }
    if (errno == EAGAIN) {
      return false;
    }
  }
  return true;
}

Result<void> MqttSession::write() {
  return outcome(mosquitto_loop_write(mosquitto_.get(), 1));
}

bool MqttSession::wants_write() const {
  return mosquitto_want_write(mosquitto_.get());
}

Result<void> MqttSession::tend() {
  return outcome(mosquitto_loop_misc(mosquitto_.get()));
}

Result<int> MqttSession::subscribe(const std::string& filter) {
  int id = 0;
  int code = mosquitto_subscribe(mosquitto_.get(), &id, filter.c_str(), 0);
  return code == MOSQ_ERR_SUCCESS ? Result<int>(id) : Result<int>(failure(code));
}

void MqttSession::unsubscribe(const std::string& filter) {
  mosquitto_unsubscribe(mosquitto_.get(), nullptr, filter.c_str());
}

Result<void> MqttSession::publish(const std::string& topic, const std::string& payload) {
  return outcome(mosquitto_publish(mosquitto_.get(), nullptr, topic.c_str(), static_cast<int>(payload.size()),
                                   payload.data(), 0, false));
}

void MqttSession::disconnect() {
  mosquitto_disconnect(mosquitto_.get());
}

std::string mqtt_connack_text(int code) {
  return mosquitto_connack_string(code);
}

} // namespace bmsd::transports
