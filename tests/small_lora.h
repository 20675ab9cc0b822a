// A LoRA for the small models of tests/data/reference.
#pragma once

#include <string>

namespace t3 {

// Values of the metadata t3.sampling: of a student of two steps, and of a refiner.
inline constexpr const char* kFewSteps =
    R"({"sampler": "renoise", "timesteps": [1000, 500], "guidance": 1})";
inline constexpr const char* kRefinerSteps =
    R"({"sampler": "euler", "timesteps": [800, 400], "guidance": 1, "shift": 3})";

// A safetensors file with a LoRA of rank 1 on one layer, of the strength `value`. An empty
// `sampling` is not written.
void WriteLora(const std::string& path, float value, const std::string& sampling);

}  // namespace t3
