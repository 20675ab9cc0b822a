// Which job is next: keys take turns, and the jobs of one key come in order of submission.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace t3::serve {

// Of the keys that have waiting jobs the next is the one with the fewest running jobs; of equal
// ones that whose last turn is longest ago. Not for use from several threads at once.
class FairQueue {
 public:
  // `front`: before the key's other jobs; for a job that continues.
  void Push(const std::string& key, const std::string& id, bool front = false);
  // Removes and returns the next id, which then counts as running until Done(key).
  std::optional<std::string> Take();
  void Done(const std::string& key);
  // False where the job does not wait.
  bool Remove(const std::string& key, const std::string& id);

  int64_t size() const;
  int64_t size(const std::string& key) const;
  // 1: next, if nothing else changes; 0: it does not wait.
  int64_t Position(const std::string& key, const std::string& id) const;

 private:
  struct Line {
    std::deque<std::string> ids;
    int64_t running = 0;
    int64_t last_turn = 0;
  };
  using Lines = std::map<std::string, Line>;
  static bool Before(const Lines::value_type& a, int64_t depth_a, const Lines::value_type& b,
                     int64_t depth_b);

  Lines lines_;
  int64_t turns_ = 0;
};

}  // namespace t3::serve
