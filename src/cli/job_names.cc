// Numbered names.
#include "cli/job_names.h"

namespace t3 {

void JobNames::Reserve(const std::string& name, const std::string& content) {
  reserved_.emplace(name, content);
}

std::string JobNames::Choose(const std::string& wanted, const std::string& content) {
  const auto is_free = [&](const std::string& name) {
    const auto found = reserved_.find(name);
    return !chosen_.contains(name) && (found == reserved_.end() || found->second == content);
  };
  std::string name = wanted;
  for (int i = 2; !is_free(name); ++i) name = wanted + "-" + std::to_string(i);
  chosen_.insert(name);
  return name;
}

}  // namespace t3
