// How often one key may submit.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace t3::serve {

// A bucket of tokens for each key, which holds a minute's worth and fills evenly. For use from
// several threads.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(int64_t per_minute) : per_minute_(per_minute) {}

  // 0 where the key may go on, which takes a token; else the seconds until it may. `now` is in
  // milliseconds and must not fall.
  int Take(const std::string& key, int64_t now);

 private:
  struct Bucket {
    double tokens = 0;
    int64_t filled = 0;
  };

  int64_t per_minute_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace t3::serve
