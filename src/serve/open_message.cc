// Model and machine as a message, and back.
#include "serve/open_message.h"

#include <fmt/format.h>

#include "t3video/request_options.h"

namespace t3::serve {
namespace {

using nlohmann::ordered_json;

std::string TextOf(const std::string& value) { return value; }
std::string TextOf(const ComputeDtype& value) { return std::string(ComputeDtypeName(value)); }
std::string TextOf(const int64_t& value) { return value > 0 ? fmt::format("{}", value) : ""; }
std::string TextOf(const bool& value) { return value ? "true" : ""; }
// `gpus`: a worker has one device.
std::string TextOf(const std::optional<int64_t>&) { return ""; }

ordered_json LorasJson(const std::vector<Lora>& loras) {
  ordered_json list = ordered_json::array();
  for (const Lora& lora : loras) list.push_back({{"path", lora.path}, {"scale", lora.scale}});
  return list;
}

void Read(const ordered_json& texts, const Option& option, auto& member) {
  if (texts.contains(option.name))
    ParseOption(option, texts.at(option.name).get<std::string>(), member);
}

}  // namespace

ordered_json OpenMessage(const ModelFiles& files, const RunOptions& options) {
  ordered_json model = ordered_json::object(), machine = ordered_json::object();
  const auto write = [](ordered_json& texts, const Option& option, const auto& member) {
    if (const std::string text = TextOf(member); !text.empty()) texts[option.name] = text;
  };
  VisitModelOptions(files, [&](const Option& option, const auto& member) {
    if constexpr (std::is_same_v<decltype(member), const std::string&>)
      write(model, option, member);
  });
  VisitMachineOptions(
      options, [&](const Option& option, const auto& member) { write(machine, option, member); });
  return {{"do", "open"},
          {"model", model},
          {"loras", files.loras ? LorasJson(*files.loras) : ordered_json()},
          {"added_loras", LorasJson(files.added_loras)},
          {"machine", machine}};
}

OpenedModel ReadOpenMessage(const ordered_json& message) {
  OpenedModel opened;
  VisitModelOptions(opened.files, [&](const Option& option, auto& member) {
    if constexpr (std::is_same_v<decltype(member), std::string&>)
      Read(message.at("model"), option, member);
  });
  if (!message.at("loras").is_null()) opened.files.loras = ReadLoras(message.at("loras"));
  opened.files.added_loras = ReadLoras(message.at("added_loras"));
  VisitMachineOptions(opened.options, [&](const Option& option, auto& member) {
    Read(message.at("machine"), option, member);
  });
  return opened;
}

std::vector<Lora> ReadLoras(const ordered_json& list) {
  std::vector<Lora> loras;
  for (const auto& lora : list) loras.push_back({lora.at("path"), lora.at("scale")});
  return loras;
}

ModelFiles FilesWith(const OpenedModel& opened, const RequestLoras& loras) {
  ModelFiles files = opened.files;
  if (!loras.own) files.loras.emplace();
  files.added_loras.insert(files.added_loras.end(), loras.added.begin(), loras.added.end());
  return files;
}

}  // namespace t3::serve
