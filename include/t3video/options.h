// The files of a model, and how a run uses the machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "t3video/ranks.h"

namespace t3 {

// A LoRA file, and the factor of its change of the weights, from -kMaxLoraScale to kMaxLoraScale.
inline constexpr double kMaxLoraScale = 100;
struct Lora {
  std::string path = {};
  double scale = 1;
  bool operator==(const Lora&) const = default;
};

// A model is a folder (official, diffusers or ComfyUI layout, or any folder with recognisable
// files), the name "demo", or single files. A file that is named here replaces the folder's.
struct ModelFiles {
  std::string model = {};         // folder, "demo", or empty when every file is given
  std::string dit = {};           // safetensors, index.json or .pth
  std::string text_encoder = {};  // likewise
  std::string vae = {};           // likewise; a TAEHV is taken as the decoder
  std::string decoder = {};       // decodes in place of the VAE: a TAEHV, or another VAE
  std::string tokenizer = {};     // sentencepiece model
  // Of the denoiser. Absent: where it makes videos, those that the folder's t3.json names for its
  // own denoiser (docs/reference/files.md). Empty: none.
  std::optional<std::vector<Lora>> loras = {};
  std::vector<Lora> added_loras = {};  // after those
  bool operator==(const ModelFiles&) const = default;
};

// The type that a run computes in.
enum class ComputeDtype {
  kAuto,  // bf16 on a GPU; on a CPU fp32, unless it multiplies bf16 natively
  kBf16,
  kFp32,
  // The denoiser's products and attention in e4m3, everything else in bf16: GPUs of compute
  // capability 8.9 or later.
  kFp8,
};

std::string_view ComputeDtypeName(ComputeDtype dtype);
// "auto", "bf16", "fp32" or "fp8"; throws Error of kind kUsage otherwise.
ComputeDtype ParseComputeDtype(std::string_view name);

// `deterministic` is a setting of libtorch and holds for the whole process.
struct RunOptions {
  std::string device = "auto";  // auto | cpu | cuda | cuda:N
  ComputeDtype dtype = ComputeDtype::kAuto;
  int64_t memory_limit = 0;       // bytes on the device, its context included; 0: all of it
  int64_t host_memory_limit = 0;  // bytes of the process on the host; 0: what is free
  bool deterministic = false;     // only kernels that give the same bits every time
  // GPUs that share the work, or processes with `device` cpu; absent: one, or as many ranks as a
  // launcher started. An engine uses `ranks`; whoever starts the processes sets both.
  std::optional<int64_t> gpus = {};
  // Keep the denoiser and the decoder in memory from one run of an engine to the next, where what
  // the next one needs fits beside them: for programs that run many requests one by one. One rank.
  bool keep_networks = false;
  RankPlace ranks = {};
};

}  // namespace t3
