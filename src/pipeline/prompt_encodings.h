// The prompts of several runs, encoded together, so that the text encoder is loaded once.
#pragma once

#include <optional>
#include <vector>

#include "pipeline/embed_spool.h"
#include "pipeline/run_item.h"
#include "pipeline/run_scope.h"
#include "pipeline/text_embeds.h"

namespace t3 {

class PromptEncodings {
 public:
  // Encodes the prompts of `items` that are not read from files or states, and adds the stages to
  // the results of these items. Beyond some memory they wait in a file beside the first output.
  // Throws Error as EncodeTexts does, and where the disk is full.
  void Encode(const RunScope& scope, std::vector<RunItem>& items);

  // The prompts of one of these items, on the CPU.
  PromptEmbeds Of(const RunItem& item) const;

 private:
  std::optional<EmbedSpool> spool_;
};

}  // namespace t3
