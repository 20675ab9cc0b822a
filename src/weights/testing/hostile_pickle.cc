// Pickles that must be refused.
#include "weights/testing/hostile_files.h"
#include "weights/testing/test_files.h"

namespace t3 {

using namespace test::pickle;
using test::Le;
using test::TorchLegacy;
using test::TorchZip;

namespace {

HostileFile Case(std::string name, const std::string& pickle, std::string message) {
  return {std::move(name), TorchZip(pickle), std::move(message), {}};
}

// A state dict whose tensor "w" is what `opcodes` push.
std::string State(const std::string& opcodes) { return Whole(Dict({Str("w"), opcodes})); }

std::string Of(const TensorSpec& spec) { return State(Tensor(spec)); }

std::string Repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

const std::string kRebuild = Global("torch._utils", "_rebuild_tensor_v2");
const std::string kHooks = Reduce(Global("collections", "OrderedDict"), ")");
const std::string kShape = Tuple({Int(2), Int(3)});
const std::string kStrides = Tuple({Int(3), Int(1)});
constexpr int64_t kMaxInt = INT64_MAX;

// A tensor from these five opcode strings.
std::string Rebuilt(const std::string& storage, const std::string& offset, const std::string& size,
                    const std::string& stride) {
  return State(Reduce(kRebuild, Tuple({storage, offset, size, stride, kFalse, kHooks})));
}

std::vector<HostileFile> CallingPickles() {
  const std::string argument = "(" + Str("touch /tmp/owned") + "t";
  return {
      Case("os_system", Whole(Global("os", "system") + argument + "R"), "names 'os'.'system'"),
      Case("posix_system", Whole(Global("posix", "system") + argument + "R"),
           "names 'posix'.'system'"),
      Case("eval", Whole(Global("builtins", "eval") + argument + "R"), "names 'builtins'.'eval'"),
      Case("eval_python2", Whole(Global("__builtin__", "eval") + argument + "R"),
           "names '__builtin__'.'eval'"),
      Case("getattr", Whole(Global("builtins", "getattr") + argument + "R"),
           "names 'builtins'.'getattr'"),
      Case("subprocess_in_state", State(Global("subprocess", "Popen") + argument + "R"),
           "names 'subprocess'.'Popen'"),
      Case("torch_load", State(Global("torch", "load") + argument + "R"), "names 'torch'.'load'"),
      Case("lookalike_module", State(Global("torch._utils ", "_rebuild_tensor_v2") + ")R"),
           "names 'torch._utils '"),
      Case("dotted_global", State(Global("torch", "_utils._rebuild_tensor_v2") + ")R"),
           "names 'torch'.'_utils._rebuild_tensor_v2'"),
      Case("namespace_object", State(Global("argparse", "Namespace") + ")\x81"),
           "names 'argparse'.'Namespace'"),
      Case("terminal_escape", State(Global("\x1b[2J", "x") + ")R"), R"(names '\x1b[2J'.'x')"),
      Case("inst", Whole("(" + Str("id") + "ios\nsystem\n"), "would call 'os'.'system'"),
      Case("obj", Whole("(" + Str("id") + "o"), "opcode 0x6f"),
      Case("newobj", Whole(Global("collections", "OrderedDict") + ")\x81"), "opcode 0x81"),
      Case("ext1", Whole("\x82\x01"), "opcode 0x82"),
      Case("ext4", Whole("\x84" + Le(1, 4)), "opcode 0x84"),
      Case("stack_global", Whole(Str("os") + Str("system") + "\x93"), "opcode 0x93"),
      Case("text_persistent_id", Whole("Pfile\n"), "opcode 0x50"),
      Case("call_storage_type", Whole(Global("torch", "FloatStorage") + ")R"),
           "calls a storage type or dtype"),
      Case("call_string", Whole(Str("os.system") + argument + "R"),
           "has a string at byte 40 where a global is wanted"),
      Case("build_on_tensor", State(Tensor() + "}b"), "has a tensor at byte"),
      Case("build_with_tuple", Whole("})b"), "has a tuple at byte"),
  };
}

std::vector<HostileFile> BrokenPickles() {
  const std::string good = Of({});
  return {
      Case("pickle_empty", "", "is truncated"),
      Case("pickle_no_protocol", "}.", "does not begin with its protocol"),
      Case("pickle_protocol_4", "\x80\x04}.", "protocol 4 is not supported"),
      Case("pickle_cut_in_string", good.substr(0, 8), "is truncated"),
      Case("pickle_cut_in_global", good.substr(0, 30), "is truncated"),
      Case("pickle_without_stop", good.substr(0, good.size() - 1), "is truncated"),
      Case("pickle_trailing", good + "x", "bytes after its pickle"),
      Case("pickle_extra_object", Whole("}}"), "1 objects too many"),
      Case("pickle_open_mark", Whole("(}"), "objects too many"),
      Case("pickle_stack_empty", Whole(""), "empty stack"),
      Case("pickle_pop_below_mark", Whole("}(s"), "empty stack"),
      Case("pickle_no_mark", Whole("}t"), "never opened"),
      Case("pickle_odd_dict", Whole("}(" + Str("w") + "u"), "key without a value"),
      Case("pickle_string_huge", Whole("X" + Le(0xFFFFFFFF, 4)), "4294967295 bytes are wanted"),
      Case("pickle_string_utf8", Whole(Str("\xc0\x80")), "not UTF-8"),
      Case("pickle_endless_global", Whole("c" + std::string(5000, 'a')), "more than 256 bytes"),
      Case("pickle_long_huge", Whole("\x8a\xff" + std::string(255, 'a')), "integer of 255 bytes"),
      Case("pickle_memo_unknown", Whole("h\x05"), "recalls object 5"),
      Case("pickle_memo_huge_index", Whole("j" + Le(0xFFFFFFFF, 4)), "recalls object 4294967295"),
      Case("pickle_put_nothing", Whole("q\x01"), "empty stack"),
      Case("pickle_append_to_tuple", Whole(")" + Int(1) + "a"), "where a list is wanted"),
      Case("pickle_setitem_on_list", Whole("]" + Int(1) + Int(2) + "s"), "where a dict is wanted"),
      Case("pickle_object_bomb", Whole("(" + std::string(2'100'000, ')') + "t"),
           "more than 2000000 objects"),
      Case("pickle_mark_bomb", Whole(std::string(2'000, '(')), "nests deeper than 1000"),
      Case("pickle_over_16_MiB", Whole(Str(std::string(17 << 20, 'a'))), "of at most 16 MiB"),
      // Each tuple holds the last one ten times: 10^40 objects to whoever walks it as a tree.
      Case("pickle_billion_laughs",
           Whole("}(" + Str("a") + ")q\x01" +
                 Repeat(Str("b") + "(" + Repeat("h\x01", 10) + "tq\x01", 40) + "u"),
           "holds no tensors"),
      Case("pickle_list_in_itself",
           Whole("]q\x01h\x01"
                 "a"),
           "the checkpoint is a list"),
      Case("pickle_dict_in_itself", Whole("}q\x01" + Str("model") + "h\x01s"), "holds no tensors"),
      Case("pickle_deep_tuples", Whole(")" + Repeat("\x85", 100'000)), "the checkpoint is a tuple"),
  };
}

std::vector<HostileFile> WrongStates() {
  const std::string wrapped = Dict({Str("w"), Tensor()});
  return {
      Case("state_is_tensor", Whole(Tensor()), "the checkpoint is a tensor"),
      Case("state_is_none", Whole("N"), "the checkpoint is a None"),
      Case("state_empty", Whole("}"), "holds no tensors"),
      Case("state_of_numbers", Whole(Dict({Str("epoch"), Int(3)})), "holds no tensors"),
      Case("state_named_by_number", Whole(Dict({Int(1), Tensor()})), "names a tensor by a int"),
      Case("state_duplicate", Whole(Dict({Str("w"), Tensor(), Str("w"), Tensor()})),
           "holds tensor 'w' twice"),
      Case("state_ambiguous", Whole(Dict({Str("model"), wrapped, Str("state_dict"), wrapped})),
           "holds both 'model' and 'state_dict'"),
  };
}

std::vector<HostileFile> WrongStorages() {
  return {
      Case("storage_missing", Of({.key = "1"}), "'archive/data/1' is not in the file"),
      Case("storage_path", Of({.key = "../../../etc/passwd"}), "is not in the file"),
      Case("storage_too_long", Of({.elements = 7}), "said to have 28 bytes, the file holds 24"),
      Case("storage_huge", Of({.elements = kMaxInt}), "passes 2^63 bytes"),
      Case("storage_negative", Of({.elements = -6}), "its storage's length is -6"),
      Case("storage_of_wider_dtype", Of({.storage = "DoubleStorage"}), "said to have 48 bytes"),
      Case("storage_unknown_dtype", Of({.storage = "ComplexFloatStorage"}),
           "names 'torch'.'ComplexFloatStorage'"),
      Case("storage_id_short", Whole(Tuple({Str("storage")}) + "Q"), "persistent id of 1 parts"),
      Case("storage_id_string", Whole(Str("storage") + "Q"), "where a tuple is wanted"),
      Case("storage_id_wrong",
           Rebuilt(Tuple({Str("module"), Global("torch", "FloatStorage"), Str("0"), Str("cpu"),
                          Int(6)}) +
                       "Q",
                   Int(0), kShape, kStrides),
           "no persistent id as torch.save writes it"),
      Case("storage_view",
           Rebuilt(Tuple({Str("storage"), Global("torch", "FloatStorage"), Str("0"), Str("cpu"),
                          Int(6), Int(0)}) +
                       "Q",
                   Int(0), kShape, kStrides),
           "is a view of another one"),
      Case("storage_is_dict", Rebuilt("}", Int(0), kShape, kStrides), "its storage is a dict"),
  };
}

std::vector<HostileFile> WrongRebuilds() {
  return {
      Case("tensor_without_arguments", State(kRebuild + ")R"), "rebuilds a tensor from 0"),
      Case("tensor_of_storage_only", State(Reduce(kRebuild, Tuple({Storage({})}))),
           "rebuilds a tensor from 1"),
      Case("tensor_with_metadata",
           State(Reduce(kRebuild,
                        Tuple({Storage({}), Int(0), kShape, kStrides, kFalse, kHooks, "}"}))),
           "carries metadata"),
      Case("tensor_v3_without_dtype",
           State(Reduce(Global("torch._utils", "_rebuild_tensor_v3"),
                        Tuple({Storage({}), Int(0), kShape, kStrides, kFalse, kHooks}))),
           "its dtype is missing"),
      Case("tensor_v3_other_size",
           State(Reduce(Global("torch._utils", "_rebuild_tensor_v3"),
                        Tuple({Storage({}), Int(0), kShape, kStrides, kFalse, kHooks,
                               Global("torch", "float8_e5m2")}))),
           "differ in size"),
      Case("parameter_of_number",
           State(Reduce(Global("torch._utils", "_rebuild_parameter"), Tuple({Int(1)}))),
           "a parameter without a tensor"),
  };
}

std::vector<HostileFile> WrongViews() {
  return {
      Case("offset_negative", Of({.offset = -1}), "its offset is -1"),
      Case("offset_past_end", Of({.offset = 1}), "element 7 of a storage of 6"),
      Case("offset_huge", Of({.offset = kMaxInt}), "reaches beyond any storage"),
      Case("offset_is_none", Rebuilt(Storage({}), kNone, kShape, kStrides), "its offset is None"),
      Case("size_negative", Of({.shape = {-2, 3}}), "its size is -2"),
      Case("size_huge", Of({.shape = {kMaxInt, kMaxInt}}), "passes 2^63 bytes"),
      Case("size_wraps_to_small", Of({.shape = {int64_t{1} << 62, 8}}), "passes 2^63 bytes"),
      Case("size_past_end", Of({.shape = {3, 3}}), "element 9 of a storage of 6"),
      Case("size_is_list", Rebuilt(Storage({}), Int(0), "]", kStrides), "its size is not a tuple"),
      Case("size_of_lists", Rebuilt(Storage({}), Int(0), "]\x85", "]\x85"), "its size is list"),
      Case("size_of_17_axes",
           Of({.shape = std::vector<int64_t>(17, 1), .stride = std::vector<int64_t>(17, 1)}),
           "at most 16 numbers"),
      Case("stride_negative", Of({.stride = {-3, 1}}), "its stride is -3"),
      Case("stride_huge", Of({.stride = {kMaxInt, 1}}), "reaches beyond any storage"),
      Case("stride_overflows", Of({.shape = {3, 2}, .stride = {kMaxInt, 1}}), "beyond any storage"),
      Case("stride_past_end", Of({.stride = {4, 1}}), "element 7 of a storage of 6"),
      Case("stride_missing", Of({.stride = {1}}), "2 sizes but 1 strides"),
      Case("stride_zero_terabyte", Of({.shape = {int64_t{1} << 38}, .stride = {0}}),
           "larger than the file"),
      Case(
          "stride_zero_many",
          Whole(
              "}(" +
              [] {
                std::string items;
                for (int i = 0; i < 300; ++i) {
                  items += Str(std::to_string(i)) + Tensor({.shape = {100, 100}, .stride = {0, 0}});
                }
                return items;
              }() +
              "u"),
          "larger than the file"),
  };
}

std::vector<HostileFile> WrongLegacyFiles() {
  const std::string good = TorchLegacy(Of({.legacy = true}));
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.rfind(from), from.size(), to);
  };
  return {
      {"legacy_magic_only", good.substr(0, 15), "the file is truncated", {}},
      {"legacy_version",
       edited("\x80\x02M\xe9\x03.", "\x80\x02M\xe8\x03."),
       "not torch's 1001",
       {}},
      {"legacy_cut_in_objects", good.substr(0, 150), "is truncated", {}},
      {"legacy_cut_before_data", good.substr(0, good.size() - 32), "the file is truncated", {}},
      {"legacy_cut_in_data", good.substr(0, good.size() - 1), "24 bytes are wanted", {}},
      {"legacy_big_endian", edited("\x88", "\x89"), "byte order is not little-endian", {}},
      {"legacy_other_length", edited(Le(6, 8), Le(uint64_t{1} << 61, 8)), "its tensors say 6", {}},
      {"legacy_unused_storage",
       TorchLegacy(Of({.key = "7", .legacy = true})),
       "lists storage '0', which no tensor uses",
       {}},
      {"legacy_huge_storage",
       TorchLegacy(Of({.elements = int64_t{1} << 60, .legacy = true})),
       "its tensors say",
       {}},
      {"legacy_os_system",
       TorchLegacy(Whole(Global("os", "system") + ")R")),
       "names 'os'.'system'",
       {}},
      {"legacy_two_sizes",
       TorchLegacy(Whole(Dict({Str("a"), Tensor({.legacy = true}), Str("b"),
                               Tensor({.storage = "DoubleStorage", .legacy = true})}))),
       "both 24 and 48 bytes",
       {}},
      {"legacy_missing_storage",
       TorchLegacy(Whole(Dict(
           {Str("a"), Tensor({.legacy = true}), Str("b"), Tensor({.key = "9", .legacy = true})}))),
       "its storage '9' is not in the file",
       {}},
  };
}

}  // namespace

std::vector<HostileFile> HostilePickles() {
  return Together({CallingPickles(), BrokenPickles(), WrongStates(), WrongStorages(),
                   WrongRebuilds(), WrongViews(), WrongLegacyFiles()});
}

}  // namespace t3
