// `bmsctl limits`: what the charge control makes of a series of samples. For tests, and for people
// who want to see what a setting does.
#pragma once

#include "actors/battery/controller.hpp"
#include "messages/json.hpp"

#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bmsd::app {

struct LimitsOptions {
  bool csv = false;                          ///< a table instead of JSON Lines
  std::string plot;                          ///< file name for an SVG of the first series; empty: none
  std::map<std::string, std::string> config; ///< keys and values, laid over those of each series
  std::ostream* log = nullptr;               ///< problems with the input, one per line
};

/// Reads series in JSON Lines, one series per line:
///   {"name", "config": {KEY: value}, "ess": {...}, "t0": epoch s, "fields": [...],
///    "history_fields": [...], "steps": [{"t": s since t0, "in": {...}}]}
/// Inputs are sticky: a key that is missing keeps its last value. Prints each with "out" computed
/// by the Controller, one evaluation per step. 0 if every line could be read, else 1.
int run_limits(std::istream& in, std::ostream& out, const LimitsOptions& options);

/// One series, step by step.
class SeriesRunner {
public:
  /// Throws Json::exception if the series has not the form above. Problems with its settings go
  /// to `problems`.
  SeriesRunner(const Json& series, std::vector<std::string>& problems,
               const std::map<std::string, std::string>& overrides = {});

  /// "out" of the step: the wanted fields.
  Json step(const Json& step);
  const battery::Controller& controller() const { return *controller_; }

private:
  Now at(double t) const;
  void act(const Json& action, Now now);
  Sample sample() const;
  battery::External external() const;
  Json output() const;
  Json field(const std::string& name) const;

  battery::BatterySettings settings_;
  std::optional<battery::EssSettings> ess_;
  double t0_ = 0.0;
  std::vector<std::string> fields_, history_fields_;
  Json inputs_ = Json::object();
  Identity identity_;
  std::unique_ptr<battery::Controller> controller_;
  Now last_;
  int bms_soc_resets_ = 0;
};

} // namespace bmsd::app
