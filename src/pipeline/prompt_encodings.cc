// Which prompts are encoded, and for whom.
#include "pipeline/prompt_encodings.h"

#include <string>

#include "pipeline/decode_target.h"
#include "pipeline/text_stage.h"

namespace t3 {
namespace {

// A run without steps needs none.
bool HasText(const RunItem& item) {
  return item.planned->embeds.prompt.embeds.defined() || item.planned->identity.steps == 0;
}

}  // namespace

void PromptEncodings::Encode(const RunScope& scope, std::vector<RunItem>& items) {
  std::vector<std::string> texts;
  for (const RunItem& item : items) {
    if (HasText(item)) continue;
    texts.push_back(item.request().prompt);
    if (NeedsNegative(*item.planned)) texts.push_back(item.job().negative_prompt);
  }
  if (texts.empty()) return;
  spool_.emplace(SpoolFolder(items.front().request().output.path));
  std::vector<Result::Stage> stages;
  EncodeTexts(
      scope.model, texts, scope.settings.dtype, scope.context, stages,
      [&](const std::string& text, const EncodedText& encoded) { spool_->Add(text, encoded); });
  for (RunItem& item : items) {
    if (!HasText(item))
      item.result.stages.insert(item.result.stages.end(), stages.begin(), stages.end());
  }
}

PromptEmbeds PromptEncodings::Of(const RunItem& item) const {
  if (HasText(item)) return item.planned->embeds;
  PromptEmbeds embeds{spool_->Read(item.request().prompt), {}};
  if (NeedsNegative(*item.planned)) embeds.negative = spool_->Read(item.job().negative_prompt);
  return embeds;
}

}  // namespace t3
