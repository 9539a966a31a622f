// Who understands what: the messages that only actors use, and the typed interface of every actor.
#pragma once

#include "actors/slot.hpp"
#include "messages/caf_types.hpp"
#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "messages/json.hpp"
#include "transports/dbus/value.hpp"

#include <caf/typed_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bmsd::actors {

// -- for everybody --------------------------------------------------------------

/// An actor's own timer. The generation tells a timer of today from one that was given up.
struct Tick {
  std::uint64_t generation = 0;
};
/// Save what matters, release what is held, end.
struct CloseDown {};
/// Asks any actor what it is doing; answered with JSON for people and programs.
struct Describe {};
/// A new configuration is in force (Core::config).
struct Configured {};

// -- port and sessions ------------------------------------------------------------

/// The link opened or failed to; from the I/O thread.
struct LinkOpened {
  std::uint64_t generation = 0;
  Error error;
};
struct LinkLost {
  std::uint64_t generation = 0;
  std::string reason;
};
/// A serial adapter came or went.
struct AdapterEvent {
  std::string tty;
  bool added = false;
};
/// CAN frames that arrived together; `at` is steady time.
struct FrameBatch {
  std::vector<CanFrame> frames;
  std::chrono::milliseconds at{0};
};
/// The outcome of an ExchangeJob (actors/port/exchange_line.hpp).
struct ExchangeDone {
  std::uint64_t token = 0;
  Reply reply;
  std::chrono::nanoseconds received{0}; ///< steady time, of the last reply
  std::vector<Reply> further =
      {}; ///< to what followed in the row, up to the first that failed or where others had to come
};
/// A good sample, and when its last byte came (steady time).
struct Polled {
  Sample sample;
  std::chrono::nanoseconds received{0};
};
/// What a battery publishes; `received` as in Polled, 0 when no sample caused it.
struct Published {
  std::shared_ptr<const Status> status;
  std::chrono::nanoseconds received{0};
};
/// The battery is out of reach for this poll.
struct PollFailed {
  Error error;
  /// What was said beside something that cannot be true: no values, but maybe reasons to be careful. Or nothing.
  std::shared_ptr<const Sample> doubtful = {};
};
struct BatteryAssigned;

using SessionActor =
    caf::typed_actor<caf::reacts_to<LinkState>, caf::reacts_to<ExchangeDone>, caf::reacts_to<FrameBatch>,
                     caf::reacts_to<Document>, caf::reacts_to<BatteryAssigned>, caf::reacts_to<Tick>,
                     caf::replies_to<Command>::with<CommandOutcome>, caf::replies_to<Describe>::with<Json>,
                     caf::reacts_to<Configured>, caf::reacts_to<CloseDown>>;
using SessionRef = Ref<SessionActor>;

/// A CAN frame to send.
struct SendFrame {
  CanFrame frame;
};

using PortActor =
    caf::typed_actor<caf::reacts_to<SendFrame>, caf::reacts_to<LinkOpened>, caf::reacts_to<LinkLost>,
                     caf::reacts_to<AdapterEvent>, caf::reacts_to<Tick>, caf::replies_to<Describe>::with<Json>,
                     caf::reacts_to<Configured>, caf::reacts_to<CloseDown>>;
using PortRef = Ref<PortActor>;

// -- battery and publisher ----------------------------------------------------------

/// A value of an external sensor or of Victron's ESS settings; absent: not there (any more).
struct RemoteReading {
  enum class Kind : std::uint8_t { present, current, soc, hub4_mode, battery_life_state, minimum_soc_limit, soc_limit };
  Kind kind{};
  std::optional<double> value;
};

/// What the settings service keeps of a battery's logic: names as dbus-serialbattery has them below
/// /Settings/Devices/serialbattery_ID.
struct KeptValues {
  std::vector<std::pair<std::string, dbus::Value>> values;
};

using BatteryActor =
    caf::typed_actor<caf::reacts_to<Identity>, caf::reacts_to<Polled>, caf::reacts_to<PollFailed>,
                     caf::reacts_to<LinkState>, caf::reacts_to<RemoteReading>, caf::reacts_to<KeptValues>,
                     caf::reacts_to<Tick>, caf::replies_to<Command>::with<CommandOutcome>,
                     caf::replies_to<Describe>::with<Json>, caf::reacts_to<Configured>, caf::reacts_to<CloseDown>>;
using BatteryRef = Ref<BatteryActor>;

/// SetValue from D-Bus. `done` takes the answer (0 accepted, 1 read-only, 2 refused), from any thread.
struct WriteRequest {
  std::string path;
  dbus::Value value;
  std::optional<Command> command; ///< what the path means, where that is known already
  std::function<void(int)> done;
};
/// How the battery's service is doing; from the I/O thread.
struct PublishState {
  std::string service, state, reason;
};
/// What the settings service (or its stand-in) holds for a battery.
struct Registration {
  int device_instance = 0;
  std::string custom_name;
};

using PublisherActor =
    caf::typed_actor<caf::reacts_to<Published>, caf::reacts_to<Identity>, caf::reacts_to<Registration>,
                     caf::reacts_to<WriteRequest>, caf::reacts_to<PublishState>, caf::reacts_to<Tick>,
                     caf::replies_to<Describe>::with<Json>, caf::reacts_to<Configured>, caf::reacts_to<CloseDown>>;
using PublisherRef = Ref<PublisherActor>;

// -- settings ---------------------------------------------------------------------------

/// Reserve a device instance and find the name; answered by a Registration, again on each change.
struct RegisterBattery {
  std::string id; ///< stable for the physical battery
  PublisherRef publisher;
};
/// Answered when the name is on disk.
struct StoreCustomName {
  std::string id;
  std::string name;
};
/// A battery wants RemoteReadings: of its external sensor (empty device: none) and of ESS.
struct FollowReadings {
  std::string id;
  BatteryRef battery;
  std::string device, current_path, soc_path;
};
/// Keep these values of a battery. `fresh`: it has no memory of its own; if the service has one, the battery is
/// told (KeptValues).
struct KeepValues {
  std::string id;
  BatteryRef battery;
  KeptValues kept;
  bool fresh = false;
};
/// The settings service came or went, or one of its values changed; from the I/O thread.
struct SettingsAvailable {
  bool available = false;
};
struct SettingChanged {
  std::string path;
  dbus::Value value;
};
/// What the settings service said of a battery; an error: it refused.
struct DeviceAnswer {
  std::string id;
  Error error;
  dbus::Value instance; ///< "battery:3"
  dbus::Value name;
};

using SettingsActor =
    caf::typed_actor<caf::reacts_to<RegisterBattery>, caf::replies_to<StoreCustomName>::with<bool>,
                     caf::reacts_to<FollowReadings>, caf::reacts_to<KeepValues>, caf::reacts_to<SettingsAvailable>,
                     caf::reacts_to<SettingChanged>, caf::reacts_to<DeviceAnswer>, caf::reacts_to<Tick>,
                     caf::replies_to<Describe>::with<Json>, caf::reacts_to<Configured>, caf::reacts_to<CloseDown>>;
using SettingsRef = Ref<SettingsActor>;

// -- supervisor ---------------------------------------------------------------------------

/// A BMS was found: whose battery is it? Answered by BatteryAssigned.
struct Identified {
  SessionRef session;
  std::string port;
  std::uint32_t address = 0;
  std::string connection; ///< for people: "Serial /dev/ttyUSB0"
  Identity identity;
};
/// The last one of a battery.
using FoundSlot = std::shared_ptr<Slot<std::shared_ptr<const Identified>>>;
/// The link to this place is gone, or nobody answers there; its battery may turn up elsewhere.
struct Vacated {
  std::string port;
  std::uint32_t address = 0;
};
struct BatteryAssigned {
  std::string id; ///< empty: the battery it had is found at another place
  BatteryRef battery;
};

/// How to start a child, and where to put its handle.
struct ChildSpec {
  std::string name;                                    ///< "port/ttyUSB0"
  std::string escalate_to;                             ///< restarted when this child fails too often; empty: nobody
  bool ends_last = false;                              ///< the others need it until they have ended
  std::function<caf::actor(caf::actor_system&)> start; ///< fills the child's slot
};
struct AddChild {
  std::shared_ptr<const ChildSpec> spec;
};
/// Ends a port, its sessions and the batteries that are on it.
struct RemovePort {
  std::string name;
};
/// Ends the child as a failure does; it is restarted at once.
struct RestartChild {
  std::string name;
};

struct ActorInfo {
  std::string name;
  std::string state; ///< "running", "restarting in 4 s"
  std::uint32_t restarts = 0;
  std::string last_failure;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("name", self.name);
    visit("state", self.state);
    visit("restarts", self.restarts);
    visit("last_failure", self.last_failure);
  }
};
struct ListActors {};
struct ActorList {
  std::vector<ActorInfo> infos;
  std::vector<caf::actor> handles; ///< same order; empty handle: not running
};

using SupervisorActor =
    caf::typed_actor<caf::reacts_to<AddChild>, caf::reacts_to<RemovePort>, caf::reacts_to<Identified>,
                     caf::reacts_to<Vacated>, caf::reacts_to<Tick>, caf::replies_to<RestartChild>::with<bool>,
                     caf::replies_to<ListActors>::with<ActorList>, caf::reacts_to<Configured>,
                     caf::reacts_to<CloseDown>>;
using SupervisorRef = Ref<SupervisorActor>;

// -- debug --------------------------------------------------------------------------------

/// A copy of a message for those who watch.
struct Traced {
  std::string kind; ///< frame, sample, status, command, lifecycle, link, failure
  std::string from, to;
  std::string subject; ///< the port or battery that it is about
  std::int64_t wall_us = 0;
  Json body;
};
/// A request of a client of the control socket; `answer` may be called from any thread.
struct ControlRequest {
  std::uint64_t client = 0;
  Json request;
  std::function<void(Json)> answer;
};
struct ClientGone {
  std::uint64_t client = 0;
};

using DebugActor =
    caf::typed_actor<caf::reacts_to<std::shared_ptr<const Traced>>, caf::reacts_to<ControlRequest>,
                     caf::reacts_to<ClientGone>, caf::reacts_to<Tick>, caf::replies_to<Describe>::with<Json>,
                     caf::reacts_to<Configured>, caf::reacts_to<CloseDown>>;
using DebugRef = Ref<DebugActor>;

} // namespace bmsd::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::Json)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::Tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::CloseDown)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::Describe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::Configured)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::LinkOpened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::LinkLost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::AdapterEvent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::FrameBatch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::ExchangeDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::SendFrame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::PollFailed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::RemoteReading)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::Polled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::Published)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::WriteRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::PublishState)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::Registration)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::RegisterBattery)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::StoreCustomName)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::FollowReadings)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::KeptValues)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::KeepValues)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::SettingsAvailable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::SettingChanged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::DeviceAnswer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::Identified)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::BatteryAssigned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::Vacated)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::AddChild)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::RemovePort)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::RestartChild)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::ListActors)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::ActorList)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const bmsd::actors::Traced>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::ControlRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::actors::ClientGone)
