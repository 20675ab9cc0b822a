// ParsePickle: a stack machine over the opcodes that torch.save writes.
#include "weights/pickle.h"

#include <algorithm>
#include <bit>
#include <string>

#include "base/text.h"
#include "weights/pickle_globals.h"
#include "weights/pickle_opcodes.h"
#include "weights/pickle_stack.h"

namespace t3 {
namespace {

using Node = PickleNode;
using Kind = PickleNode::Kind;
using Global = PickleNode::Global;
using Opcode = PickleOpcode;

constexpr size_t kMaxBytes = size_t{16} << 20;
constexpr size_t kMaxLine = 256;  // of the module and name of a global

class Machine {
 public:
  explicit Machine(Bytes file)
      : bytes_(file.first(std::min(file.size(), kMaxBytes))),
        reader_(bytes_, "the pickle (of at most 16 MiB)"),
        stack_(reader_) {}

  Pickle Run() {
    T3_CHECK(NextOpcode() == Opcode::kProto, "the pickle does not begin with its protocol");
    CheckProtocol();
    for (Opcode opcode = NextOpcode(); opcode != Opcode::kStop; opcode = NextOpcode()) {
      if (!PushScalar(opcode) && !ChangeContainer(opcode) && !UseObject(opcode)) Reject(opcode);
    }
    return stack_.Finish();
  }

 private:
  Opcode NextOpcode() { return static_cast<Opcode>(reader_.Read<uint8_t>()); }

  void CheckProtocol() {
    const auto protocol = reader_.Read<uint8_t>();
    T3_CHECK(protocol == 2,
             "pickle protocol {} is not supported; wanted 2, the default of torch.save", protocol);
  }

  // The three parts of the opcode table; false when the opcode is not in that part.
  bool PushScalar(Opcode opcode);
  bool ChangeContainer(Opcode opcode);
  bool UseObject(Opcode opcode);
  [[noreturn]] void Reject(Opcode opcode);

  bool PushInteger(int64_t value, Kind kind = Kind::kInt) {
    Node& node = stack_.New(kind);
    node.integer = value;
    stack_.Push(node);
    return true;
  }
  bool PushLong();
  bool PushFloat();
  bool PushString(uint64_t size);
  std::string_view TakeLine();
  void PushGlobal();
  void PushStorage();
  void PushTensor(Global function, const Node& arguments);
  void PushParameter(const Node& arguments);
  void Reduce();
  void MakeModule();
  void Build();

  Bytes bytes_;
  ByteReader reader_;
  PickleStack stack_;
};

bool Machine::PushScalar(Opcode opcode) {
  switch (opcode) {
    case Opcode::kNone:
      stack_.Push(stack_.New(Kind::kNone));
      return true;
    case Opcode::kNewTrue:
      return PushInteger(1, Kind::kBool);
    case Opcode::kNewFalse:
      return PushInteger(0, Kind::kBool);
    case Opcode::kBinInt:
      return PushInteger(static_cast<int32_t>(reader_.Read<uint32_t>()));
    case Opcode::kBinInt1:
      return PushInteger(reader_.Read<uint8_t>());
    case Opcode::kBinInt2:
      return PushInteger(reader_.Read<uint16_t>());
    case Opcode::kLong1:
      return PushLong();
    case Opcode::kBinFloat:
      return PushFloat();
    case Opcode::kShortBinString:
      return PushString(reader_.Read<uint8_t>());
    case Opcode::kBinString:
    case Opcode::kBinUnicode:
      return PushString(reader_.Read<uint32_t>());
    default:
      return false;
  }
}

bool Machine::ChangeContainer(Opcode opcode) {
  switch (opcode) {
    case Opcode::kMark:
      return stack_.PushMark(), true;
    case Opcode::kEmptyTuple:
      return stack_.PushTuple({}), true;
    case Opcode::kTuple1:
      return stack_.PushShortTuple(1), true;
    case Opcode::kTuple2:
      return stack_.PushShortTuple(2), true;
    case Opcode::kTuple3:
      return stack_.PushShortTuple(3), true;
    case Opcode::kTuple:
      return stack_.PushTuple(stack_.PopToMark()), true;
    case Opcode::kEmptyList:
      return stack_.Push(stack_.New(Kind::kList)), true;
    case Opcode::kAppend:
      return stack_.AddTo(Kind::kList, {stack_.Pop()}), true;
    case Opcode::kAppends:
      return stack_.AddTo(Kind::kList, stack_.PopToMark()), true;
    case Opcode::kEmptyDict:
      return stack_.Push(stack_.New(Kind::kDict)), true;
    case Opcode::kSetItem: {
      const Node* value = stack_.Pop();
      const Node* key = stack_.Pop();
      return stack_.AddTo(Kind::kDict, {key, value}), true;
    }
    case Opcode::kSetItems:
      return stack_.AddTo(Kind::kDict, stack_.PopToMark()), true;
    default:
      return false;
  }
}

bool Machine::UseObject(Opcode opcode) {
  switch (opcode) {
    case Opcode::kProto:
      return CheckProtocol(), true;
    case Opcode::kBinPut:
      return stack_.Put(reader_.Read<uint8_t>()), true;
    case Opcode::kLongBinPut:
      return stack_.Put(reader_.Read<uint32_t>()), true;
    case Opcode::kBinGet:
      return stack_.Get(reader_.Read<uint8_t>()), true;
    case Opcode::kLongBinGet:
      return stack_.Get(reader_.Read<uint32_t>()), true;
    case Opcode::kGlobal:
      return PushGlobal(), true;
    case Opcode::kBinPersId:
      return PushStorage(), true;
    case Opcode::kReduce:
      return Reduce(), true;
    case Opcode::kNewObj:
      return MakeModule(), true;
    case Opcode::kBuild:
      return Build(), true;
    default:
      return false;
  }
}

void Machine::Reject(Opcode opcode) {
  const size_t at = reader_.position() - 1;
  std::string name;
  if (static_cast<char>(opcode) == 'i') {  // INST names what it would call; say it
    const std::string module = Quote(TakeLine());
    name = fmt::format(" (it would call {}.{})", module, Quote(TakeLine()));
  }
  Fail(
      "the pickle has opcode 0x{:02x} at byte {}{}, which torch.save does not write for tensors; "
      "nothing in it is run",
      static_cast<unsigned>(opcode), at, name);
}

// Little-endian two's complement of up to 8 bytes; torch writes sizes above 2^31 so.
bool Machine::PushLong() {
  const auto count = reader_.Read<uint8_t>();
  T3_CHECK(count <= 8, "the pickle has an integer of {} bytes, wanted at most 8", count);
  const Bytes bytes = reader_.Take(count);
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  const bool negative = count > 0 && (bytes[count - 1] & std::byte{0x80}) != std::byte{0};
  if (negative && count < 8) value |= ~uint64_t{0} << (8 * count);
  return PushInteger(static_cast<int64_t>(value));
}

bool Machine::PushFloat() {  // big-endian
  uint64_t bits = 0;
  for (const std::byte byte : reader_.Take(8)) bits = bits << 8 | std::to_integer<uint64_t>(byte);
  Node& node = stack_.New(Kind::kFloat);
  node.real = std::bit_cast<double>(bits);
  stack_.Push(node);
  return true;
}

bool Machine::PushString(uint64_t size) {
  const size_t at = reader_.position();
  const std::string_view text = AsText(reader_.Take(size));
  T3_CHECK(IsUtf8(text), "the pickle has a string that is not UTF-8 at byte {}", at);
  Node& node = stack_.New(Kind::kString);
  node.text = text;
  stack_.Push(node);
  return true;
}

std::string_view Machine::TakeLine() {
  const size_t start = reader_.position();
  for (size_t i = 0; i <= kMaxLine; ++i) {
    if (reader_.Read<uint8_t>() == '\n') return AsText(bytes_.subspan(start, i));
  }
  Fail("the pickle has a name of more than {} bytes at byte {}", kMaxLine, start);
}

void Machine::PushGlobal() {
  const std::string_view module = TakeLine();
  const std::string_view name = TakeLine();
  Node& node = stack_.New(Kind::kGlobal);
  node = MakeGlobal(module, name);
  stack_.Push(node);
}

// The number of parts is bounded, as a tensor's arguments are: one long tuple that is copied often
// would fill the memory.
void Machine::PushStorage() {
  const Node* id = stack_.PopKind(Kind::kTuple);
  T3_CHECK(id->items.size() == 5 || id->items.size() == 6,
           "the pickle has a persistent id of {} parts, wanted torch's 5 or 6", id->items.size());
  Node& node = stack_.New(Kind::kStorage);
  node.items = id->items;
  stack_.Push(node);
}

void Machine::PushTensor(Global function, const Node& arguments) {
  T3_CHECK(arguments.items.size() >= 6 && arguments.items.size() <= 8,
           "the pickle rebuilds a tensor from {} arguments, wanted 6 to 8", arguments.items.size());
  Node& node = stack_.New(Kind::kTensor);
  node.global = function;
  node.items = arguments.items;
  stack_.Push(node);
}

// A parameter is its tensor.
void Machine::PushParameter(const Node& arguments) {
  T3_CHECK(!arguments.items.empty() && arguments.items[0]->kind == Kind::kTensor,
           "the pickle has a parameter without a tensor");
  Node& node = stack_.New(Kind::kTensor);
  node = *arguments.items[0];
  stack_.Push(node);
}

void Machine::Reduce() {
  const Node* arguments = stack_.PopKind(Kind::kTuple);
  const Node* callable = stack_.PopKind(Kind::kGlobal);
  switch (callable->global) {
    case Global::kOrderedDict:
      T3_CHECK(arguments->items.empty(), "the pickle fills an OrderedDict by its constructor");
      return stack_.Push(stack_.New(Kind::kDict));
    case Global::kRebuildTensor:
    case Global::kRebuildTensorWithDType:
      return PushTensor(callable->global, *arguments);
    case Global::kRebuildParameter:
      return PushParameter(*arguments);
    case Global::kScriptValue:  // holds no named tensor
      return stack_.Push(stack_.New(Kind::kNone));
    default:
      Fail("the pickle calls a storage type or dtype at byte {}", reader_.position());
  }
}

// A module of a TorchScript archive: its attributes follow. No other class is known.
void Machine::MakeModule() {
  const Node* arguments = stack_.PopKind(Kind::kTuple);
  const Node* made = stack_.PopKind(Kind::kGlobal);
  T3_CHECK(made->global == Global::kScriptClass && arguments->items.empty(),
           "the pickle has opcode 0x81 at byte {} for an object that is not a TorchScript module; "
           "nothing in it is run",
           reader_.position() - 1);
  Node& node = stack_.New(Kind::kDict);
  node.global = Global::kScriptClass;
  stack_.Push(node);
}

// The attributes of a state dict's OrderedDict (its _metadata) say nothing about tensors; those of
// a module are its tensors and modules.
void Machine::Build() {
  Node* attributes = stack_.PopKind(Kind::kDict);
  Node* object = stack_.PopKind(Kind::kDict);
  // Moved: one long dict that is copied to many modules would fill the memory.
  if (object->global == Global::kScriptClass) object->items = std::move(attributes->items);
  stack_.Push(*object);
}

}  // namespace

Pickle ParsePickle(Bytes file) { return Machine(file).Run(); }

}  // namespace t3
