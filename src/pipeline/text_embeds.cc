// The text embeddings' file.
#include "pipeline/text_embeds.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "loading/tensor_file.h"

namespace t3 {
namespace {

at::Tensor IdsTensor(const std::vector<int32_t>& ids) {
  return at::tensor(at::ArrayRef<int32_t>(ids), at::kInt);
}

EncodedText ReadEncoded(const WeightFile& file, const std::string& name, int64_t width,
                        int64_t max_tokens) {
  EncodedText text;
  text.embeds = ReadTensor(file, name);
  const at::Tensor& embeds = text.embeds;
  T3_CHECK(embeds.dim() == 2 && embeds.size(1) == width && embeds.size(0) >= 1 &&
               embeds.size(0) <= max_tokens,
           "{}: tensor {} has shape ({}), wanted (1 to {} tokens, width {})", file.path(), name,
           fmt::join(embeds.sizes(), ","), max_tokens, width);
  T3_CHECK(embeds.is_floating_point() && embeds.isfinite().all().item<bool>(),
           "{}: tensor {} holds values that are not finite numbers", file.path(), name);
  return text;
}

}  // namespace

void SavePromptEmbeds(const std::string& path, const PromptEmbeds& embeds,
                      const std::string& prompt, const std::string& negative_prompt) {
  SaveTensors(path,
              {{"prompt", embeds.prompt.embeds},
               {"negative_prompt", embeds.negative.embeds},
               {"prompt.ids", IdsTensor(embeds.prompt.ids)},
               {"negative_prompt.ids", IdsTensor(embeds.negative.ids)}},
              {{"t3.prompt", prompt}, {"t3.negative_prompt", negative_prompt}});
}

bool IsPromptEmbeds(const std::string& path) {
  try {
    const auto file = WeightFile::Open(path, FileOrigin::kOwn);
    return file->tensors().contains("prompt") && file->tensors().contains("negative_prompt.ids");
  } catch (const std::exception&) {
    return false;
  }
}

PromptEmbeds LoadPromptEmbeds(const std::string& path, int64_t width, int64_t max_tokens,
                              bool with_negative) {
  const auto file = WeightFile::Open(path, FileOrigin::kOwn);
  PromptEmbeds embeds;
  embeds.prompt = ReadEncoded(*file, "prompt", width, max_tokens);
  if (with_negative) embeds.negative = ReadEncoded(*file, "negative_prompt", width, max_tokens);
  return embeds;
}

}  // namespace t3
