// State that survives a kill -9: small JSON files in the state directory.
#pragma once

#include "messages/error.hpp"
#include "messages/json.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace bmsd::actors {

/// Thread-safe. Blocks for the time of a small file write; call it every few minutes at most.
/// A directory that cannot be written costs persistence, never the daemon.
class StateStore {
public:
  /// An empty directory name keeps everything in memory only.
  explicit StateStore(std::string directory) : directory_(std::move(directory)) {}

  /// The content of `name`.json. A damaged file is set aside as `name`.json.damaged and reported
  /// in the log; then, and when there is none, nothing is returned.
  std::optional<Json> load(const std::string& name);
  /// Temporary file, fsync, rename. Writes nothing when the content is what is stored already.
  Result<void> save(const std::string& name, const Json& content);

private:
  std::string path(const std::string& name) const;

  const std::string directory_;
  std::mutex mutex_;
  std::map<std::string, std::string> written_; ///< what each file holds as far as known
};

/// Letters, digits and '_' only, for file names, settings paths and bus names.
std::string sanitized(std::string_view text);

} // namespace bmsd::actors
