// FindStateDict.
#include "weights/state_dict.h"

#include <set>
#include <string>

#include "base/check.h"
#include "base/text.h"
#include "weights/wrappers.h"

namespace t3 {
namespace {

using Kind = PickleNode::Kind;

constexpr int kMaxModules = 32;  // a TorchScript module inside another
constexpr size_t kMaxPrefix = 1024;
constexpr int kMaxDepth = 4;  // {"model": {"module": {"state_dict": ...}}}

struct FoundDict {
  std::string path;  // the keys that lead to it, joined by '.'
  const PickleNode* dict;
};

bool IsModule(const PickleNode& node) {
  return node.kind == Kind::kDict && node.global == PickleNode::Global::kScriptClass;
}

bool HoldsTensors(const PickleNode& dict) {
  for (size_t i = 1; i < dict.items.size(); i += 2) {
    if (dict.items[i]->kind == Kind::kTensor) return true;
  }
  return false;
}

// `dict` and what it wraps, where they hold tensors.
void FindDicts(const PickleNode& dict, const std::string& path, int depth,
               std::set<const PickleNode*>* visited, std::vector<FoundDict>* found) {
  if (!visited->insert(&dict).second) return;  // shared, or inside itself
  if (HoldsTensors(dict)) found->push_back({path, &dict});
  std::set<std::string_view> seen;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& key = *dict.items[i];
    const PickleNode& value = *dict.items[i + 1];
    if (key.kind != Kind::kString || value.kind != Kind::kDict || !IsWrapper(key.text)) continue;
    T3_CHECK(seen.insert(key.text).second, "the checkpoint holds {} twice", Quote(key.text));
    T3_CHECK(depth < kMaxDepth, "the checkpoint nests its state dict deeper than {} levels",
             kMaxDepth);
    FindDicts(value, path.empty() ? std::string(key.text) : fmt::format("{}.{}", path, key.text),
              depth + 1, visited, found);
  }
}

// The keys of a dict that are strings, for messages.
std::string KeysText(const PickleNode& dict) {
  constexpr size_t kShown = 8;
  std::vector<std::string> keys;
  for (size_t i = 0; i + 1 < dict.items.size() && keys.size() < kShown; i += 2) {
    if (dict.items[i]->kind == Kind::kString) keys.push_back(Quote(dict.items[i]->text));
  }
  return keys.empty() ? "none" : fmt::format("{}", fmt::join(keys, ", "));
}

StateDict NamedTensors(const PickleNode& dict) {
  StateDict state;
  std::set<std::string_view> names;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& key = *dict.items[i];
    const PickleNode& value = *dict.items[i + 1];
    if (value.kind != Kind::kTensor) continue;
    T3_CHECK(key.kind == Kind::kString, "the checkpoint names a tensor by a {}, wanted a string",
             KindName(key.kind));
    T3_CHECK(names.insert(key.text).second, "the checkpoint holds tensor {} twice",
             Quote(key.text));
    state.tensors.emplace_back(key.text, &value);
  }
  return state;
}

// The tensors of a TorchScript module and of the modules inside it. One that is reached on two ways
// counts at the first.
void AddModule(const PickleNode& module, const std::string& prefix, int depth,
               std::set<const PickleNode*>* visited, StateDict* state) {
  if (!visited->insert(&module).second) return;
  T3_CHECK(depth < kMaxModules && prefix.size() < kMaxPrefix,
           "the checkpoint nests modules deeper than {} levels or {} bytes of names", kMaxModules,
           kMaxPrefix);
  for (const auto& [name, tensor] : NamedTensors(module).tensors) {
    state->tensors.emplace_back(prefix + name, tensor);
  }
  for (size_t i = 0; i + 1 < module.items.size(); i += 2) {
    const PickleNode& key = *module.items[i];
    const PickleNode& value = *module.items[i + 1];
    if (key.kind != Kind::kString || !IsModule(value)) continue;
    AddModule(value, fmt::format("{}{}.", prefix, key.text), depth + 1, visited, state);
  }
}

StateDict ModuleTensors(const PickleNode& root) {
  StateDict state;
  std::set<const PickleNode*> visited;
  AddModule(root, "", 0, &visited, &state);
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : state.tensors) {
    T3_CHECK(names.insert(name).second, "the checkpoint holds tensor {} twice", Quote(name));
  }
  T3_CHECK(!state.tensors.empty(), "the TorchScript archive holds no tensors");
  state.notes.emplace_back("takes the weights of a TorchScript archive; its code is not run");
  return state;
}

}  // namespace

StateDict FindStateDict(const PickleNode& root) {
  T3_CHECK(root.kind == Kind::kDict, "the checkpoint is a {}, wanted a dict of tensors",
           KindName(root.kind));
  if (IsModule(root)) return ModuleTensors(root);
  std::set<const PickleNode*> visited;
  std::vector<FoundDict> found;
  FindDicts(root, "", 0, &visited, &found);
  T3_CHECK(!found.empty(),
           "the checkpoint holds no tensors, neither itself nor under a name such as state_dict, "
           "model, generator or ema; its keys: {}",
           KeysText(root));
  std::vector<std::string> paths;
  paths.reserve(found.size());
  for (const FoundDict& dict : found) paths.push_back(dict.path);
  std::vector<std::string> notes;
  StateDict state = NamedTensors(*found[ChooseWrapped(paths, &notes)].dict);
  state.notes = std::move(notes);
  return state;
}

}  // namespace t3
