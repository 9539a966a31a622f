// Bugs are contained in the actor that has them. An exception ends this actor alone, and its text reaches
// the supervisor as the reason; a message that it doesn't know is an error line.
#pragma once

#include <caf/error.hpp>
#include <caf/result.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/sec.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <string>

namespace bmsd::actors {

template <class Self>
void contain_exceptions(Self* self) {
  self->set_exception_handler([](std::exception_ptr& failure) -> caf::error {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      return caf::make_error(caf::sec::runtime_error, std::string(e.what()));
    } catch (...) {
      return caf::make_error(caf::sec::runtime_error, std::string("unknown exception"));
    }
  });
  self->set_default_handler([](caf::scheduled_actor* actor, caf::message_view&) -> caf::result<caf::message> {
    spdlog::error("{}: a message that it does not know", actor->name());
    return caf::make_error(caf::sec::unexpected_message);
  });
}

} // namespace bmsd::actors
