// What a pickle's opcodes work on: the stack, its marks, the memo and the objects themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "weights/byte_reader.h"
#include "weights/pickle_graph.h"

namespace t3 {

// Every operation checks what it takes; errors give the place from `reader`, which must outlive
// this. Objects are owned by one list, so neither sharing nor cycles need care.
class PickleStack {
 public:
  using Node = PickleNode;
  using Kind = PickleNode::Kind;

  explicit PickleStack(const ByteReader& reader) : reader_(reader) {}

  // A new object, not yet on the stack. Throws Error beyond two million.
  Node& New(Kind kind);
  void Push(Node& node) { stack_.push_back(&node); }
  Node* Pop();
  Node* PopKind(Kind kind);  // throws Error when the top is another kind

  void PushMark();
  std::vector<const Node*> PopToMark();

  void PushTuple(std::vector<const Node*> items);
  void PushShortTuple(size_t count);  // of the `count` topmost objects
  // Adds to the list or dict on top; a dict takes keys and values in turn.
  void AddTo(Kind kind, const std::vector<const Node*>& items);

  void Put(uint32_t index);  // remembers the top
  void Get(uint32_t index);  // pushes what was remembered

  // The one object that is left, and all others that it may refer to.
  Pickle Finish();

 private:
  // Objects below the last mark belong to an outer container.
  size_t Base() const { return marks_.empty() ? 0 : marks_.back(); }

  const ByteReader& reader_;
  std::deque<Node> nodes_;
  std::vector<Node*> stack_;
  std::vector<size_t> marks_;
  // A map, not a vector: the index is 32 bits of the file's choice.
  std::unordered_map<uint32_t, Node*> memo_;
};

}  // namespace t3
