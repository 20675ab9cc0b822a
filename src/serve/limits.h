// What one request, one key and the server may take.
#pragma once

#include <cstdint>

namespace t3::serve {

// Of the text of a prompt, in characters.
inline constexpr int64_t kMaxPromptCharacters = 4000;
// LoRAs of one request.
inline constexpr int64_t kMaxLoras = 8;
// Pixels along one side.
inline constexpr int64_t kMinSide = 16;
inline constexpr int64_t kMaxSide = 8192;

struct Limits {
  int64_t max_pixels = 4096 * 2176;  // of a frame
  int64_t max_frames = 257;
  int64_t max_steps = 200;
  int64_t max_upload_bytes = int64_t{256} << 20;
  int64_t max_queue = 100;                    // jobs that wait, of all keys
  int64_t max_queue_per_key = 20;             // jobs that wait, of one key
  int64_t max_per_minute = 60;                // submissions of one key; 0: no limit
  int64_t max_connections = 512;              // at a time
  int64_t min_free_bytes = int64_t{2} << 30;  // of the data folder's file system
  int64_t keep_bytes = 0;                     // of all finished jobs; 0: no limit
  double keep_days = 0;                       // of a finished job; 0: no limit
};

}  // namespace t3::serve
