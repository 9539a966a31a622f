#include "actors/tap.hpp"

#include "actors/interfaces.hpp"
#include "messages/json.hpp"

#include <chrono>

namespace bmsd::actors {

namespace {

std::int64_t wall_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

template <class T>
const T& plain(const T& message) {
  return message;
}
const Sample& plain(const Polled& polled) {
  return polled.sample;
}
const Status& plain(const Published& published) {
  return *published.status;
}

template <class T>
constexpr std::string_view kind_of() {
  if constexpr (std::is_same_v<T, Polled>) {
    return "sample";
  } else if constexpr (std::is_same_v<T, Published>) {
    return "status";
  } else if constexpr (std::is_same_v<T, Command>) {
    return "command";
  } else if constexpr (std::is_same_v<T, CommandOutcome>) {
    return "outcome";
  } else if constexpr (std::is_same_v<T, Identity>) {
    return "identity";
  } else if constexpr (std::is_same_v<T, LinkState>) {
    return "link";
  } else if constexpr (std::is_same_v<T, Lifecycle>) {
    return "lifecycle";
  } else {
    return "failure";
  }
}

} // namespace

void Tap::emit(std::string_view kind, const std::string& from, const std::string& to, const std::string& subject,
               void (*body)(const void*, Traced&), const void* message) {
  if (!sink_) {
    return;
  }
  auto traced = std::make_shared<Traced>();
  traced->kind = kind;
  traced->from = from;
  traced->to = to;
  traced->subject = subject;
  traced->wall_us = wall_us();
  body(message, *traced);
  sink_(std::move(traced));
}

template <Traceable T>
void Tap::copy(const std::string& from, const std::string& to, const std::string& subject, const T& message) {
  emit(
      kind_of<T>(), from, to, subject,
      [](const void* m, Traced& traced) { traced.body = to_json(plain(*static_cast<const T*>(m))); }, &message);
}

void Tap::copy(const Frame& frame) {
  emit(
      "frame", "port/" + frame.port, {}, frame.port,
      [](const void* m, Traced& traced) {
        const auto& f = *static_cast<const Frame*>(m);
        traced.wall_us = f.wall_us;
        traced.body = to_json(f);
      },
      &frame);
}

template void Tap::copy(const std::string&, const std::string&, const std::string&, const Polled&);
template void Tap::copy(const std::string&, const std::string&, const std::string&, const Published&);
template void Tap::copy(const std::string&, const std::string&, const std::string&, const Command&);
template void Tap::copy(const std::string&, const std::string&, const std::string&, const CommandOutcome&);
template void Tap::copy(const std::string&, const std::string&, const std::string&, const Identity&);
template void Tap::copy(const std::string&, const std::string&, const std::string&, const LinkState&);
template void Tap::copy(const std::string&, const std::string&, const std::string&, const Lifecycle&);
template void Tap::copy(const std::string&, const std::string&, const std::string&, const Error&);

} // namespace bmsd::actors
