// Where a model's files are and how a run uses the machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

struct Lora {
  std::string path = {};
  double scale = 1;
};

// A model is a folder (official or diffusers layout, or any folder with recognisable files), the
// name "demo", or single files; a file named here takes the place of the folder's.
struct ModelFiles {
  std::string model = {};         // folder, "demo", or empty when every file is given
  std::string dit = {};           // safetensors, index.json or .pth
  std::string text_encoder = {};  // likewise
  std::string vae = {};           // likewise
  std::string tokenizer = {};     // sentencepiece model
  std::vector<Lora> loras = {};
};

struct RunOptions {
  std::string device = "auto";    // auto | cpu | cuda | cuda:N
  std::string dtype = "auto";     // auto | bf16 | fp32
  int64_t memory_limit = 0;       // bytes on the device, its context included; 0: all of it
  int64_t host_memory_limit = 0;  // bytes of the process on the host; 0: what is free
  bool deterministic = false;     // only kernels that give the same bits each time
};

}  // namespace t3
