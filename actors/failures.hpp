// An exception inside an actor is a bug, contained there: it ends this actor alone, and its text
// reaches the supervisor as the reason.
#pragma once

#include <caf/error.hpp>
#include <caf/sec.hpp>

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
}

} // namespace bmsd::actors
