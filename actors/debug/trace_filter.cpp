#include "actors/debug/trace_filter.hpp"

#include <algorithm>
#include <array>

namespace bmsd::actors {

namespace {

constexpr std::array<std::string_view, 9> kKinds = {"frame",    "sample",    "status", "command", "outcome",
                                                    "identity", "lifecycle", "link",   "failure"};

} // namespace

Result<TraceFilter> TraceFilter::parse(const Json& request) {
  TraceFilter filter;
  if (auto only = request.find("only"); only != request.end()) {
    if (!only->is_array()) {
      return Error{Fault::rejected, "\"only\" must be a list of kinds"};
    }
    for (const auto& kind : *only) {
      const auto name = kind.is_string() ? kind.get<std::string>() : kind.dump();
      if (std::find(kKinds.begin(), kKinds.end(), name) == kKinds.end()) {
        std::string allowed;
        for (auto known : kKinds) {
          allowed += allowed.empty() ? "" : ", ";
          allowed += known;
        }
        return Error{Fault::rejected, "unknown kind " + name + "; there are " + allowed};
      }
      filter.kinds_.insert(name);
    }
  }
  filter.subject_ = text_at(request, "battery");
  return filter;
}

bool TraceFilter::wants(const Traced& traced) const {
  return (kinds_.empty() || kinds_.contains(traced.kind)) && (subject_.empty() || subject_ == traced.subject);
}

Json to_json(const Traced& traced) {
  Json json = {{"time", static_cast<double>(traced.wall_us) / 1e6}, {"kind", traced.kind}, {"from", traced.from}};
  if (!traced.to.empty()) {
    json["to"] = traced.to;
  }
  if (!traced.subject.empty()) {
    json["subject"] = traced.subject;
  }
  json["body"] = traced.body;
  return json;
}

} // namespace bmsd::actors
