// Defaults for the encoders in common use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace t3 {

struct EncoderDefaults {
  std::string_view quality;  // the option that `crf` sets; empty: none
  std::string_view value;    // its default
  int max = 0;               // its largest value; the smallest is 0
  std::vector<std::pair<std::string_view, std::string_view>> options;
};

// Empty for unknown encoders: `crf` then sets an option of that name, if there is one, within the
// range that the encoder states. `width` is in pixels.
EncoderDefaults DefaultsOf(std::string_view encoder, std::string_view pixel_format, int64_t width);

}  // namespace t3
