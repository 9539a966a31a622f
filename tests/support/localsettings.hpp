// A stand-in for com.victronenergy.settings, as Venus OS has it: for tests and demos. Plain sd-bus, own loop.
#pragma once

#include <systemd/sd-bus.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <variant>

namespace bmsd::test {

struct Setting {
  using Value = std::variant<std::int32_t, double, std::string>; // types i, f, s
  Value value, def;
  double min = 0, max = 0; // both 0: no limits
  bool silent = false;
};

/// The settings and their rules, without a bus. Codes as localsettings answers them.
class SettingsStore {
public:
  /// `file`: kept there after each change; empty: memory only.
  explicit SettingsStore(std::string file);

  int add(const std::string& path, Setting fresh);
  int remove(const std::string& path);
  int set(const std::string& path, const Setting::Value& value);
  bool is_group(const std::string& path) const;
  Setting* find(const std::string& path);
  const std::map<std::string, Setting>& all() const { return settings_; }

private:
  void make_unique(const std::string& path, Setting::Value& value) const;
  void save() const;

  std::string file_;
  std::map<std::string, Setting> settings_;
};

/// Serves a store on a bus until stop() (from any thread or a signal handler).
class LocalSettings {
public:
  LocalSettings(const std::string& address, const std::string& file);
  ~LocalSettings();
  LocalSettings(const LocalSettings&) = delete;
  LocalSettings& operator=(const LocalSettings&) = delete;

  void run();
  void stop();

private:
  static int on_call(sd_bus_message* call, void* user, sd_bus_error*);
  int settings_call(sd_bus_message* call, const std::string& member);
  int item_call(sd_bus_message* call, const std::string& member);
  int add_setting(sd_bus_message* call, bool silent);
  int add_settings(sd_bus_message* call);
  int remove_settings(sd_bus_message* call);
  int set_value(sd_bus_message* call, const std::string& path);
  int get_items(sd_bus_message* call);
  int get_group(sd_bus_message* call, const std::string& path);
  void signal_change(const std::string& path);

  SettingsStore store_;
  sd_bus* bus_ = nullptr;
  int wake_ = -1;
  std::atomic<bool> stopping_{false};
};

/// A LocalSettings that runs in a thread of its own.
class LocalSettingsThread {
public:
  LocalSettingsThread(const std::string& address, const std::string& file)
      : settings_(address, file), thread_([this] { settings_.run(); }) {}
  ~LocalSettingsThread() {
    settings_.stop();
    thread_.join();
  }

private:
  LocalSettings settings_;
  std::thread thread_;
};

} // namespace bmsd::test
