// Turns of keys.
#include "serve/fair_queue.h"

#include <algorithm>

namespace t3::serve {

void FairQueue::Push(const std::string& key, const std::string& id, bool front) {
  std::deque<std::string>& ids = lines_[key].ids;
  front ? ids.push_front(id) : ids.push_back(id);
}

// Whether the job at depth_a of line a has its turn before that at depth_b of line b: each job in
// front of it will have made one more of its key run.
bool FairQueue::Before(const Line& a, const Line& b, int64_t depth_a, int64_t depth_b) const {
  const int64_t turn_a = a.running + depth_a, turn_b = b.running + depth_b;
  return turn_a != turn_b ? turn_a < turn_b : a.last_turn < b.last_turn;
}

std::optional<std::string> FairQueue::Take() {
  Line* next = nullptr;
  for (auto& [key, line] : lines_) {
    if (line.ids.empty()) continue;
    if (next == nullptr || Before(line, *next, 0, 0)) next = &line;
  }
  if (next == nullptr) return std::nullopt;
  std::string id = std::move(next->ids.front());
  next->ids.pop_front();
  ++next->running;
  next->last_turn = ++turns_;
  return id;
}

void FairQueue::Done(const std::string& key) {
  const auto found = lines_.find(key);
  if (found != lines_.end() && found->second.running > 0) --found->second.running;
}

bool FairQueue::Remove(const std::string& key, const std::string& id) {
  const auto found = lines_.find(key);
  return found != lines_.end() && std::erase(found->second.ids, id) > 0;
}

int64_t FairQueue::size() const {
  int64_t count = 0;
  for (const auto& [key, line] : lines_) count += std::ssize(line.ids);
  return count;
}

int64_t FairQueue::size(const std::string& key) const {
  const auto found = lines_.find(key);
  return found == lines_.end() ? 0 : std::ssize(found->second.ids);
}

int64_t FairQueue::Position(const std::string& key, const std::string& id) const {
  const auto own = lines_.find(key);
  if (own == lines_.end()) return 0;
  const auto at = std::ranges::find(own->second.ids, id);
  if (at == own->second.ids.end()) return 0;
  const int64_t depth = at - own->second.ids.begin();
  int64_t position = depth + 1;
  for (const auto& [name, line] : lines_) {
    if (name == key) continue;
    for (int64_t other = 0; other < std::ssize(line.ids); ++other)
      position += Before(line, own->second, other, depth) ? 1 : 0;
  }
  return position;
}

}  // namespace t3::serve
