// FindStateDict.
#include "weights/state_dict.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

using Kind = PickleNode::Kind;

// Training code saves the state dict inside a dict with counters and optimiser state, and these are
// the names that it uses: torch's and Lightning's examples (`state_dict`), the Wan VAE's trainer
// (`model_state`), and plain `model` or `module`.
constexpr std::array<std::string_view, 4> kWrappers{"model_state", "state_dict", "model", "module"};
constexpr int kMaxDepth = 4;  // {"model": {"module": {"state_dict": ...}}}; also ends cycles

const PickleNode* FindWrapped(const PickleNode& dict) {
  const PickleNode* found = nullptr;
  std::string_view found_name;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& key = *dict.items[i];
    const PickleNode& value = *dict.items[i + 1];
    const bool wrapper = key.kind == Kind::kString && value.kind == Kind::kDict &&
                         std::find(kWrappers.begin(), kWrappers.end(), key.text) != kWrappers.end();
    if (!wrapper) continue;
    T3_CHECK(found == nullptr,
             "the checkpoint holds both {} and {}; save the one that is meant by itself",
             Quote(found_name), Quote(key.text));
    found = &value;
    found_name = key.text;
  }
  return found;
}

StateDict NamedTensors(const PickleNode& dict) {
  StateDict tensors;
  std::set<std::string_view> names;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& key = *dict.items[i];
    const PickleNode& value = *dict.items[i + 1];
    if (value.kind != Kind::kTensor) continue;
    T3_CHECK(key.kind == Kind::kString, "the checkpoint names a tensor by a {}, wanted a string",
             KindName(key.kind));
    T3_CHECK(names.insert(key.text).second, "the checkpoint holds tensor {} twice",
             Quote(key.text));
    tensors.emplace_back(key.text, &value);
  }
  return tensors;
}

}  // namespace

StateDict FindStateDict(const PickleNode& root) {
  T3_CHECK(root.kind == Kind::kDict, "the checkpoint is a {}, wanted a dict of tensors",
           KindName(root.kind));
  const PickleNode* dict = &root;
  int depth = 0;
  while (const PickleNode* wrapped = FindWrapped(*dict)) {
    T3_CHECK(++depth <= kMaxDepth, "the checkpoint nests its state dict deeper than {} levels",
             kMaxDepth);
    dict = wrapped;
  }
  StateDict tensors = NamedTensors(*dict);
  T3_CHECK(!tensors.empty(), "the checkpoint holds no tensors (looked under {} too)",
           fmt::join(kWrappers, ", "));
  return tensors;
}

}  // namespace t3
