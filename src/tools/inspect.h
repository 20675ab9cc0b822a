// What a file holds, and whether it is complete.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arch/tensor_spec.h"

namespace t3 {

struct InspectReport {
  std::string path;
  std::string kind;    // "DiT", "text encoder", "VAE 2.1", "LoRA", "latents", ..., "unknown"
  std::string format;  // "safetensors", "torch zip", ...
  std::string naming;  // "original", "ComfyUI", "diffusers", ...; empty: does not apply
  int64_t bytes = 0;   // of tensor data
  int64_t tensors = 0;
  int64_t parameters = 0;
  std::map<std::string, int64_t> dtypes;  // name -> tensors
  // Of dtypes whose values are quantised: "4.5 bits a value", "a scale per row".
  std::map<std::string, std::string> quantisation;
  nlohmann::ordered_json sizes;  // of the network; null where there are none
  std::string preset;            // of the same sizes
  bool complete = false;         // every tensor there, no others, shapes and dtypes right
  TableDifferences differences;
  std::string note;  // why it cannot be used, or what was left out
  std::map<std::string, std::string> metadata;
};

// One report per network: combined files hold several. Throws Error when the file cannot be read.
std::vector<InspectReport> InspectFile(const std::string& path);

// What keeps the files of a model's folder (or "demo") from making a video: a part that is missing,
// incomplete or does not fit; empty when nothing does.
std::string FaultOfModel(const std::string& path);

}  // namespace t3
