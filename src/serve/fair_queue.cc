// Turns of keys.
#include "serve/fair_queue.h"

#include <algorithm>
#include <tuple>

namespace t3::serve {

void FairQueue::Push(const std::string& key, const std::string& id, bool front) {
  std::deque<std::string>& ids = lines_[key].ids;
  front ? ids.push_front(id) : ids.push_back(id);
}

// Whether the job at depth_a of line a has its turn before that at depth_b of line b: each job in
// front of it will have made one more of its key run.
bool FairQueue::Before(const Lines::value_type& a, int64_t depth_a, const Lines::value_type& b,
                       int64_t depth_b) {
  const int64_t turn_a = a.second.running + depth_a, turn_b = b.second.running + depth_b;
  return std::tie(turn_a, a.second.last_turn, a.first) <
         std::tie(turn_b, b.second.last_turn, b.first);
}

std::optional<std::string> FairQueue::Take() {
  auto next = lines_.end();
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    if (line->second.ids.empty()) continue;
    if (next == lines_.end() || Before(*line, 0, *next, 0)) next = line;
  }
  if (next == lines_.end()) return std::nullopt;
  std::string id = std::move(next->second.ids.front());
  next->second.ids.pop_front();
  ++next->second.running;
  next->second.last_turn = ++turns_;
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
  for (const auto& line : lines_) {
    if (line.first == key) continue;
    for (int64_t other = 0; other < std::ssize(line.second.ids); ++other)
      position += Before(line, other, *own, depth) ? 1 : 0;
  }
  return position;
}

}  // namespace t3::serve
