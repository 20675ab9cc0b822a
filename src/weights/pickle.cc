// ParsePickle: a stack machine over the opcodes that torch.save writes.
#include "weights/pickle.h"

#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>
#include <utility>

#include "weights/pickle_globals.h"
#include "weights/text.h"

namespace t3 {
namespace {

using Node = PickleNode;
using Kind = PickleNode::Kind;
using Global = PickleNode::Global;

constexpr size_t kMaxBytes = size_t{16} << 20;
constexpr size_t kMaxNodes = 2'000'000;
constexpr size_t kMaxMarks = 1000;
constexpr size_t kMaxLine = 256;  // of the module and name of a global

enum class Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kBinFloat = 'G',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
};

class Machine {
 public:
  explicit Machine(Bytes file)
      : bytes_(file.first(std::min(file.size(), kMaxBytes))),
        reader_(bytes_, "the pickle (of at most 16 MiB)") {}

  Pickle Run() {
    T3_CHECK(static_cast<Opcode>(reader_.Read<uint8_t>()) == Opcode::kProto,
             "the pickle does not begin with its protocol");
    CheckProtocol();
    while (Step(static_cast<Opcode>(reader_.Read<uint8_t>()))) {
    }
    pickle_.root = Pop();
    T3_CHECK(stack_.empty() && marks_.empty(), "the pickle ends with {} objects too many",
             stack_.size() + marks_.size());
    pickle_.bytes = reader_.position();
    return std::move(pickle_);
  }

 private:
  void CheckProtocol() {
    const auto protocol = reader_.Read<uint8_t>();
    T3_CHECK(
        protocol == 2,
        "pickle protocol {} is not read, only 2, which torch.save writes unless told otherwise",
        protocol);
  }

  Node& New(Kind kind) {
    T3_CHECK(pickle_.nodes.size() < kMaxNodes, "the pickle makes more than {} objects", kMaxNodes);
    Node& node = pickle_.nodes.emplace_back();
    node.kind = kind;
    return node;
  }

  void Push(Node& node) { stack_.push_back(&node); }

  // Objects below the last MARK belong to an outer container.
  size_t Base() const { return marks_.empty() ? 0 : marks_.back(); }

  Node* Pop() {
    T3_CHECK(stack_.size() > Base(), "the pickle takes an object from an empty stack at byte {}",
             reader_.position());
    Node* node = stack_.back();
    stack_.pop_back();
    return node;
  }

  Node* PopKind(Kind kind) {
    Node* node = Pop();
    T3_CHECK(node->kind == kind, "the pickle has a {} at byte {} where a {} is wanted",
             KindName(node->kind), reader_.position(), KindName(kind));
    return node;
  }

  void PushMark() {
    T3_CHECK(marks_.size() < kMaxMarks, "the pickle nests deeper than {} levels", kMaxMarks);
    marks_.push_back(stack_.size());
  }

  std::vector<const Node*> PopToMark() {
    T3_CHECK(!marks_.empty(), "the pickle closes a container at byte {} that was never opened",
             reader_.position());
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<const Node*> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }

  void PushTuple(std::vector<const Node*> items) {
    Node& node = New(Kind::kTuple);
    node.items = std::move(items);
    Push(node);
  }

  void PushShortTuple(size_t count) {
    std::vector<const Node*> items(count);
    for (size_t i = count; i-- > 0;) items[i] = Pop();
    PushTuple(std::move(items));
  }

  void PushInteger(Kind kind, int64_t value) {
    Node& node = New(kind);
    node.integer = value;
    Push(node);
  }

  // Little-endian two's complement of up to 8 bytes; torch writes sizes above 2^31 so.
  void PushLong() {
    const auto count = reader_.Read<uint8_t>();
    T3_CHECK(count <= 8, "the pickle has an integer of {} bytes, wanted at most 8", count);
    const Bytes bytes = reader_.Take(count);
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) value |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
    const bool negative = count > 0 && (std::to_integer<uint8_t>(bytes[count - 1]) & 0x80) != 0;
    if (negative && count < 8) value |= ~uint64_t{0} << (8 * count);
    PushInteger(Kind::kInt, static_cast<int64_t>(value));
  }

  void PushFloat() {  // big-endian
    uint64_t bits = 0;
    for (const std::byte byte : reader_.Take(8)) bits = bits << 8 | std::to_integer<uint64_t>(byte);
    Node& node = New(Kind::kFloat);
    node.real = std::bit_cast<double>(bits);
    Push(node);
  }

  void PushString(uint64_t size) {
    const std::string_view text = AsText(reader_.Take(size));
    T3_CHECK(IsUtf8(text), "the pickle has a string that is not UTF-8 at byte {}",
             reader_.position() - size);
    Node& node = New(Kind::kString);
    node.text = text;
    Push(node);
  }

  std::string_view TakeLine() {
    const size_t start = reader_.position();
    for (size_t i = 0; i <= kMaxLine; ++i) {
      if (reader_.Read<uint8_t>() == '\n') return AsText(bytes_.subspan(start, i));
    }
    Fail("the pickle has a name of more than {} bytes at byte {}", kMaxLine, start);
  }

  void PushGlobal() {
    const std::string_view module = TakeLine();
    const std::string_view name = TakeLine();
    Node& node = New(Kind::kGlobal);
    node = MakeGlobal(module, name);
    Push(node);
  }

  void PushStorage() {
    const Node* id = PopKind(Kind::kTuple);
    // Bounded, as are a tensor's arguments: one long tuple copied often would fill the memory.
    T3_CHECK(id->items.size() == 5 || id->items.size() == 6,
             "the pickle has a persistent id of {} parts, wanted torch's 5 or 6", id->items.size());
    Node& node = New(Kind::kStorage);
    node.items = id->items;
    Push(node);
  }

  void Reduce() {
    const Node* arguments = PopKind(Kind::kTuple);
    const Node* callable = PopKind(Kind::kGlobal);
    switch (callable->global) {
      case Global::kOrderedDict:
        T3_CHECK(arguments->items.empty(), "the pickle fills an OrderedDict by its constructor");
        Push(New(Kind::kDict));
        return;
      case Global::kRebuildTensor:
      case Global::kRebuildTensorWithDType: {
        T3_CHECK(arguments->items.size() >= 6 && arguments->items.size() <= 8,
                 "the pickle rebuilds a tensor from {} arguments, wanted 6 to 8",
                 arguments->items.size());
        Node& node = New(Kind::kTensor);
        node.global = callable->global;
        node.items = arguments->items;
        Push(node);
        return;
      }
      case Global::kRebuildParameter: {
        T3_CHECK(!arguments->items.empty() && arguments->items[0]->kind == Kind::kTensor,
                 "the pickle has a parameter without a tensor");
        Node& node = New(Kind::kTensor);  // a parameter is its tensor
        node = *arguments->items[0];
        Push(node);
        return;
      }
      default:
        Fail("the pickle calls a storage type or dtype at byte {}", reader_.position());
    }
  }

  // The attributes of a state dict's OrderedDict (its _metadata) say nothing about tensors.
  void Build() {
    PopKind(Kind::kDict);
    Push(*PopKind(Kind::kDict));
  }

  void AddTo(Kind kind, std::vector<const Node*> items) {
    T3_CHECK(kind == Kind::kList || items.size() % 2 == 0,
             "the pickle has a key without a value at byte {}", reader_.position());
    Node* container = PopKind(kind);
    container->items.insert(container->items.end(), items.begin(), items.end());
    Push(*container);
  }

  void SetItem() {
    const Node* value = Pop();
    const Node* key = Pop();
    AddTo(Kind::kDict, {key, value});
  }

  void Put(uint32_t index) {
    T3_CHECK(stack_.size() > Base(), "the pickle remembers an object of an empty stack");
    memo_[index] = stack_.back();
  }

  void Get(uint32_t index) {
    const auto found = memo_.find(index);
    T3_CHECK(found != memo_.end(), "the pickle recalls object {}, which it never stored", index);
    stack_.push_back(found->second);
  }

  bool Step(Opcode opcode) {
    switch (opcode) {
      case Opcode::kStop:
        return false;
      case Opcode::kProto:
        CheckProtocol();
        break;
      case Opcode::kMark:
        PushMark();
        break;
      case Opcode::kNone:
        Push(New(Kind::kNone));
        break;
      case Opcode::kNewTrue:
        PushInteger(Kind::kBool, 1);
        break;
      case Opcode::kNewFalse:
        PushInteger(Kind::kBool, 0);
        break;
      case Opcode::kBinInt:
        PushInteger(Kind::kInt, static_cast<int32_t>(reader_.Read<uint32_t>()));
        break;
      case Opcode::kBinInt1:
        PushInteger(Kind::kInt, reader_.Read<uint8_t>());
        break;
      case Opcode::kBinInt2:
        PushInteger(Kind::kInt, reader_.Read<uint16_t>());
        break;
      case Opcode::kLong1:
        PushLong();
        break;
      case Opcode::kBinFloat:
        PushFloat();
        break;
      case Opcode::kShortBinString:
        PushString(reader_.Read<uint8_t>());
        break;
      case Opcode::kBinString:
      case Opcode::kBinUnicode:
        PushString(reader_.Read<uint32_t>());
        break;
      case Opcode::kEmptyTuple:
        PushTuple({});
        break;
      case Opcode::kTuple1:
        PushShortTuple(1);
        break;
      case Opcode::kTuple2:
        PushShortTuple(2);
        break;
      case Opcode::kTuple3:
        PushShortTuple(3);
        break;
      case Opcode::kTuple:
        PushTuple(PopToMark());
        break;
      case Opcode::kEmptyList:
        Push(New(Kind::kList));
        break;
      case Opcode::kAppend:
        AddTo(Kind::kList, {Pop()});
        break;
      case Opcode::kAppends:
        AddTo(Kind::kList, PopToMark());
        break;
      case Opcode::kEmptyDict:
        Push(New(Kind::kDict));
        break;
      case Opcode::kSetItem:
        SetItem();
        break;
      case Opcode::kSetItems:
        AddTo(Kind::kDict, PopToMark());
        break;
      case Opcode::kBinPut:
        Put(reader_.Read<uint8_t>());
        break;
      case Opcode::kLongBinPut:
        Put(reader_.Read<uint32_t>());
        break;
      case Opcode::kBinGet:
        Get(reader_.Read<uint8_t>());
        break;
      case Opcode::kLongBinGet:
        Get(reader_.Read<uint32_t>());
        break;
      case Opcode::kGlobal:
        PushGlobal();
        break;
      case Opcode::kBinPersId:
        PushStorage();
        break;
      case Opcode::kReduce:
        Reduce();
        break;
      case Opcode::kBuild:
        Build();
        break;
      default:
        RejectOpcode(static_cast<uint8_t>(opcode));
    }
    return true;
  }

  [[noreturn]] void RejectOpcode(uint8_t opcode) {
    // INST names what it would call; say it.
    std::string name;
    if (opcode == 'i') {
      const std::string_view module = TakeLine();
      name = fmt::format(" (it would call {}.{})", Quote(module), Quote(TakeLine()));
    }
    Fail(
        "the pickle has opcode 0x{:02x} at byte {}{}, which torch.save does not write for tensors; "
        "nothing in it is run",
        opcode, reader_.position() - 1, name);
  }

  Bytes bytes_;
  ByteReader reader_;
  Pickle pickle_;
  std::vector<Node*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, Node*> memo_;
};

}  // namespace

const char* KindName(Kind kind) {
  constexpr const char* kNames[] = {"None", "bool", "int",    "float",   "string", "tuple",
                                    "list", "dict", "global", "storage", "tensor"};
  return kNames[static_cast<size_t>(kind)];
}

Pickle ParsePickle(Bytes file) { return Machine(file).Run(); }

}  // namespace t3
