// What comes with CLIP's weights: the merges of its tokenizer, and settings that tensors do not
// show.
#pragma once

#include <string>

namespace t3 {

struct ClipFiles {
  std::string merges;      // merges.txt, tokenizer.json or bpe_simple_vocab_16e6.txt
  bool quick_gelu = true;  // OpenAI's, where no config.json says otherwise
};

// Looks beside the weights `path`. The activation is that of open_clip_config.json
// (`model_cfg.quick_gelu`) for weights whose names begin with "open_clip", else of config.json
// (`hidden_act`). Throws Error that lists what is wanted where there are no merges, and for an
// activation that CLIP does not have.
ClipFiles FindClipFiles(const std::string& path);

}  // namespace t3
