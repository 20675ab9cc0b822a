// Checks of a sentencepiece model that the library itself does not make.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace t3 {

// Walks the file's protobuf messages to the character maps of its normalisers and checks that no
// lookup can leave them: sentencepiece follows their tries without looking at bounds, so that one
// damaged byte would end the program. Throws Error that begins with `name`.
void CheckSentencePieceModel(std::span<const std::byte> model, const std::string& name);

}  // namespace t3
