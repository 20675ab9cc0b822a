// Prompts to embeddings, many at once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/model_info.h"
#include "pipeline/stage.h"
#include "pipeline/text_embeds.h"
#include "t3video/request.h"

namespace t3 {

// Encodes every text once with one load of the encoder, which has left memory on return. Texts are
// cleaned first. On the GPU where it fits beside what is there, else on the CPU. The result is on
// the CPU, by the text as given.
std::map<std::string, EncodedText> EncodeTexts(const ModelInfo& model,
                                               const std::vector<std::string>& texts,
                                               at::ScalarType dtype, const RunContext& context,
                                               std::vector<Result::Stage>& stages);

}  // namespace t3
