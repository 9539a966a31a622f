#include "protocols/revov.hpp"

namespace bmsd::protocols {

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {1};
constexpr std::string_view kNames[] = {"Revov", "Tian Power"};

} // namespace

constinit const ProtocolInfo Revov::kInfo = {
    .key = "revov",
    .label = "Revov",
    .about = "Revov, Tian Power TP-BD16S48V150 and others that answer to 7C only; RS485",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 76, // right behind eg4_lifepower: boards that answer both have one name
    .chain = {1, 16},
    .poll_interval = std::chrono::milliseconds(2000),
    .exchange = make_exchange<Revov>,
};

} // namespace bmsd::protocols
