// Optimal string alignment: Damerau's edit distance, with each letter edited once.
#include "base/nearest.h"

#include <algorithm>
#include <vector>

namespace t3 {

int64_t TypingDistance(std::string_view a, std::string_view b) {
  const size_t columns = b.size() + 1;
  std::vector<std::vector<int64_t>> cost(a.size() + 1, std::vector<int64_t>(columns));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = static_cast<int64_t>(i);
  for (size_t j = 0; j < columns; ++j) cost[0][j] = static_cast<int64_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j < columns; ++j) {
      const int64_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string Nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr size_t kShortestPrefix = 3;
  constexpr size_t kLongestWord = 100;  // time and memory grow with the length of the word
  if (word.size() > kLongestWord) return "";
  std::string best;
  int64_t min_distance = static_cast<int64_t>((word.size() + 2) / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (word.size() >= kShortestPrefix && candidate.starts_with(word)) return candidate;
    const int64_t distance = TypingDistance(word, candidate);
    if (distance < min_distance) {
      min_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view word, std::span<const std::string> candidates) {
  const std::string nearest = Nearest(word, candidates);
  return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

}  // namespace t3
