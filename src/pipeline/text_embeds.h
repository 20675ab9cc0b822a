// Encoded prompts, in memory and as a file.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace t3 {

// One encoded text.
struct EncodedText {
  std::vector<int32_t> ids;  // with the end id
  at::Tensor embeds;         // (ids.size(), text width) on the CPU, fp32 or bf16
};

// Both branches of guidance. `negative` is undefined if only one branch runs.
struct PromptEmbeds {
  EncodedText prompt;
  EncodedText negative;
};

// Tensors `prompt`, `negative_prompt` (tokens, width) and their `.ids`.
void SavePromptEmbeds(const std::string& path, const PromptEmbeds& embeds,
                      const std::string& prompt, const std::string& negative_prompt);

// Whether `path` is such a file.
bool IsPromptEmbeds(const std::string& path);

// Reads such a file; `width` is the denoiser's text width. Ids may be absent. `negative_prompt` is
// read only if `with_negative`. Throws Error for a wrong width, more than `max_tokens` rows or
// values that are not finite.
PromptEmbeds LoadPromptEmbeds(const std::string& path, int64_t width, int64_t max_tokens,
                              bool with_negative);

}  // namespace t3
