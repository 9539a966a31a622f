// The hlpdatabms4s scripts against a console that says the fuzzer's bytes: as they are, or where the text of a real
// board would be, so that the fuzzer gets past the echo and into single fields.
#include "script_fuzz.hpp"

#include <string>

namespace {

using namespace bmsd;

constexpr std::string_view kLine[] = {"3.283", "3.283", "3.283", "3.284", "0.000", "41", "1",
                                      "1",     "13.1",  "41",    "0",     "0",     "0",  "b1 21"};

std::string text_of(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

/// The measurement with some fields of the fuzzer.
std::string measurement(std::uint8_t mode, fuzz::Input& input) {
  std::string out;
  for (std::size_t column = 0; column < std::size(kLine); ++column) {
    const bool strange = input.byte() % 4 == 1;
    out += column == 0 ? "" : ",";
    out += strange ? text_of(input.take(mode / 16)) : std::string(kLine[column]);
  }
  return out;
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const std::string command = text_of(request.tx);
  std::string text;
  if (mode % 8 == 0) {
    text = text_of(input.take(input.byte()));
  } else if (command == "pv\n") {
    text = "pv\r\nBMS4S " + text_of(input.take(mode / 16)) + "\r\n";
  } else if (command == "ps\n") {
    text = "ps\r\nBatterySize= 320 VoltHigh= " + text_of(input.take(mode / 16)) + " VoltLow= 2,80 \r\n";
  } else if (command == "m1\n") {
    text = "m1\r\n" + measurement(mode, input) + "\r\n";
  }
  return {text.begin(), text.end()};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("hlpdatabms4s", fuzz::Input(data, size), answer);
  return 0;
}
