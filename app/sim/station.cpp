#include "app/sim/station.hpp"

namespace bmsd::sim {

Result<std::unique_ptr<Station>> make_station(asio::io_context& io, const StationOptions& options,
                                              const Station::Ready& ready) {
  if (options.simulator->stream != nullptr) {
    return make_stream_station(io, options, ready);
  }
  if (options.simulator->broadcast != nullptr) {
    return make_can_station(io, options, ready);
  }
  return make_document_station(io, options, ready);
}

} // namespace bmsd::sim
