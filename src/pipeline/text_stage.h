// Prompts to embeddings, many at once.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "loading/model_info.h"
#include "pipeline/text_embeds.h"
#include "runtime/stage.h"
#include "t3video/request.h"

namespace t3 {

// Gets each text, as given, with its encoding on the CPU.
using EncodedTextFn = std::function<void(const std::string& text, const EncodedText& encoded)>;

// Encodes every text once with one load of the encoder, which has left memory on return. Texts are
// cleaned first. On the GPU where it fits beside what is there, else on the CPU.
void EncodeTexts(const ModelInfo& model, const std::vector<std::string>& texts,
                 at::ScalarType dtype, const RunContext& context,
                 std::vector<Result::Stage>& stages, const EncodedTextFn& sink);

// The same, all held in memory, by text.
std::map<std::string, EncodedText> EncodeTexts(const ModelInfo& model,
                                               const std::vector<std::string>& texts,
                                               at::ScalarType dtype, const RunContext& context,
                                               std::vector<Result::Stage>& stages);

}  // namespace t3
