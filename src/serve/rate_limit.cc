// Token buckets.
#include "serve/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace t3::serve {

int RateLimit::Take(const std::string& key, int64_t now) {
  if (per_minute_ <= 0) return 0;
  const std::lock_guard lock(mutex_);
  const auto capacity = static_cast<double>(per_minute_);
  const double per_millisecond = capacity / 60'000;
  const auto [found, is_new] = buckets_.try_emplace(key, Bucket{capacity, now});
  Bucket& bucket = found->second;
  bucket.tokens = std::min(
      capacity, bucket.tokens + static_cast<double>(now - bucket.filled) * per_millisecond);
  bucket.filled = now;
  if (bucket.tokens < 1)
    return static_cast<int>(std::ceil((1 - bucket.tokens) / per_millisecond / 1000));
  bucket.tokens -= 1;
  return 0;
}

}  // namespace t3::serve
