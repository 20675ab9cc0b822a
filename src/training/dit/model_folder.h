// The folder of a trained model: its weights and the base model's other parts.
#pragma once

#include <cstdint>
#include <string>

#include "loading/model_info.h"

namespace t3 {

// File names of the official layout, which `t3 generate --model` finds.
inline constexpr const char* kDitFile = "diffusion_pytorch_model.safetensors";
inline constexpr const char* kTextEncoderFile = "models_t5_umt5-xxl-enc-bf16.safetensors";

// Puts the base model's VAE, tokenizer and t3.json, and its text encoder if `text_encoder`, into
// `folder`: hard links where the file system allows, else copies. Existing files stay. A base
// without t3.json gets one with its defaults, which would otherwise be guessed from the new
// attention. Throws Error when a file cannot be written.
void LinkOtherParts(const ModelInfo& base, const std::string& folder, bool text_encoder);

// Bytes of the parts that LinkOtherParts will copy, because `folder` is on another disk.
int64_t CopiedBytes(const ModelInfo& base, const std::string& folder, bool text_encoder);

}  // namespace t3
