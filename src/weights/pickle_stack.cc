// PickleStack.
#include "weights/pickle_stack.h"

#include <utility>

namespace t3 {
namespace {

constexpr size_t kMaxNodes = 2'000'000;
constexpr size_t kMaxMarks = 1000;

}  // namespace

PickleNode& PickleStack::New(Kind kind) {
  T3_CHECK(nodes_.size() < kMaxNodes, "the pickle makes more than {} objects", kMaxNodes);
  Node& node = nodes_.emplace_back();
  node.kind = kind;
  return node;
}

PickleNode* PickleStack::Pop() {
  T3_CHECK(stack_.size() > Base(), "the pickle takes an object from an empty stack at byte {}",
           reader_.position());
  Node* node = stack_.back();
  stack_.pop_back();
  return node;
}

PickleNode* PickleStack::PopKind(Kind kind) {
  Node* node = Pop();
  T3_CHECK(node->kind == kind, "the pickle has a {} at byte {} where a {} is wanted",
           KindName(node->kind), reader_.position(), KindName(kind));
  return node;
}

void PickleStack::PushMark() {
  T3_CHECK(marks_.size() < kMaxMarks, "the pickle nests deeper than {} levels", kMaxMarks);
  marks_.push_back(stack_.size());
}

std::vector<const PickleNode*> PickleStack::PopToMark() {
  T3_CHECK(!marks_.empty(), "the pickle closes a container at byte {} that was never opened",
           reader_.position());
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<const Node*> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleStack::PushTuple(std::vector<const Node*> items) {
  Node& node = New(Kind::kTuple);
  node.items = std::move(items);
  Push(node);
}

void PickleStack::PushShortTuple(size_t count) {
  std::vector<const Node*> items(count);
  for (size_t i = count; i-- > 0;) items[i] = Pop();
  PushTuple(std::move(items));
}

void PickleStack::AddTo(Kind kind, const std::vector<const Node*>& items) {
  T3_CHECK(kind == Kind::kList || items.size() % 2 == 0,
           "the pickle has a key without a value at byte {}", reader_.position());
  Node* container = PopKind(kind);
  container->items.insert(container->items.end(), items.begin(), items.end());
  Push(*container);
}

void PickleStack::Put(uint32_t index) {
  T3_CHECK(stack_.size() > Base(), "the pickle remembers an object of an empty stack at byte {}",
           reader_.position());
  memo_[index] = stack_.back();
}

void PickleStack::Get(uint32_t index) {
  const auto found = memo_.find(index);
  T3_CHECK(found != memo_.end(), "the pickle recalls object {}, which it never stored", index);
  Push(*found->second);
}

Pickle PickleStack::Finish() {
  const Node* root = Pop();
  T3_CHECK(stack_.empty() && marks_.empty(), "the pickle ends with {} objects too many",
           stack_.size() + marks_.size());
  return {std::move(nodes_), root, reader_.position()};
}

}  // namespace t3
