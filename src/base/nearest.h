// Suggestions for mistyped words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace t3 {

// Edit distance: letters to insert, delete, replace or swap with a neighbour.
int64_t TypingDistance(std::string_view a, std::string_view b);

// The candidate that `word` begins or, failing that, the one with the smallest edit distance, when
// that is at most a third of the word (rounded up); else "", also for words of over 100 bytes.
std::string Nearest(std::string_view word, std::span<const std::string> candidates);

// "; did you mean X?", or "" when nothing is near.
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace t3
