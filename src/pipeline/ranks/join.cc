// Meeting, comparing, leaving.
#include "pipeline/ranks/join.h"

#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/check.h"
#include "base/log.h"
#include "kernels/peer_access.h"
#include "pipeline/ranks/follower.h"
#include "runtime/device.h"
#include "t3video/version.h"

namespace t3 {
namespace {

std::string FileText(const std::string& path) {
  if (path.empty()) return "none";
  std::error_code ignored;
  return fmt::format("{} ({} bytes)", std::filesystem::path(path).filename().string(),
                     std::filesystem::file_size(path, ignored));
}

std::string LoraText(const std::vector<Lora>& loras) {
  std::string text;
  for (const Lora& lora : loras) text += fmt::format("{} x {}, ", FileText(lora.path), lora.scale);
  return text.empty() ? "none" : text;
}

// Whether exchanges are to be measured (docs/guides/several-gpus.md).
bool TimesExchanges() {
  const char* const text = std::getenv("T3_TIME_EXCHANGES");
  return text != nullptr && *text != '\0';
}

void Compare(Team& team, const RankFacts& facts) {
  for (const auto& [name, value] : facts) {
    const std::vector<std::string> values = team.Share(value);
    for (size_t rank = 1; rank < values.size(); ++rank) {
      T3_CHECK(values[rank] == values[0],
               "the ranks differ in their {}: rank 0 has {}, rank {} has {}", name, values[0], rank,
               values[rank]);
    }
  }
}

// Several processes on one machine share its cores.
void ShareCores(const RankPlace& place) {
  at::set_num_threads(std::max<int>(1, at::get_num_threads() / static_cast<int>(place.local_size)));
}

// Rank 0's machine stands for all.
void WarnWithoutPeerAccess(const RankPlace& place, at::Device device) {
  if (place.rank != 0 || !device.is_cuda()) return;
  // A launcher may show each process its own GPU alone.
  const int gpus = std::min<int>(static_cast<int>(place.local_size),
                                 c10::impl::VirtualGuardImpl(at::kCUDA).deviceCount());
  for (int gpu = 0; gpu < gpus; ++gpu) {
    for (int peer = 0; peer < gpus; ++peer) {
      if (gpu == peer || kernels::HasPeerAccess(gpu, peer)) continue;
      spdlog::warn(
          "GPU {} has no access to the memory of GPU {}, so that exchanges go through host memory; "
          "sharing the tokens of a clip may then be slower than one GPU. `nvidia-smi topo -p2p r` "
          "shows which GPUs have it",
          gpu, peer);
      return;
    }
  }
}

}  // namespace

at::Device RankDevice(at::Device device, const std::string& asked, const RankPlace& place) {
  if (place.size == 1 || !device.is_cuda()) return device;
  if (asked.find(':') != std::string::npos)
    FailUsage(
        "`device` {} names one GPU for {} ranks; use cuda, and CUDA_VISIBLE_DEVICES to choose "
        "GPUs",
        asked, place.size);
  const auto count = c10::impl::VirtualGuardImpl(at::kCUDA).deviceCount();
  T3_CHECK(place.local_rank < count,
           "rank {} of {} would have GPU {}, and this machine has {}; use `gpus` {} or fewer",
           place.rank, place.size, place.local_rank, count, count);
  return {at::kCUDA, static_cast<at::DeviceIndex>(place.local_rank)};
}

RankFacts FactsOf(const ModelInfo& model, const RunSettings& settings) {
  return {{"denoiser", FileText(model.paths.dit)},
          {"VAE", FileText(model.paths.vae)},
          {"decoder", FileText(model.paths.decoder)},
          {"LoRAs", LoraText(model.loras)},
          {"LoRAs for refining", LoraText(RefinerOf(model).loras)},
          {"type", settings.DtypeName()}};
}

Team* JoinRanks(const RankPlace& place, at::Device device, const RankFacts& facts) {
  if (place.size == 1) return nullptr;
  // Never destroyed: the other ranks may still read the store when this process ends.
  static Team* team = nullptr;
  if (team == nullptr) {
    if (device.is_cpu()) ShareCores(place);
    // Else calls without a tensor would open a context on the first GPU.
    if (device.is_cuda()) c10::impl::VirtualGuardImpl(device.type()).setDevice(device);
    team = new Team(place, device);
    team->set_timed(TimesExchanges());
    WarnWithoutPeerAccess(place, device);
  }
  Compare(*team, {{"program", DescribeBuild()}, {"device", DeviceName(device)}});
  Compare(*team, facts);
  return team;
}

void LeaveRanks(Team* team) noexcept {
  if (team == nullptr) return;
  try {
    if (team->rank() == 0) OrderEnd(*team);
    if (!team->in_step()) team->Report("it has stopped after an error");
    if (team->rank() == 0 && TimesExchanges())
      spdlog::warn("exchanges took {:.2f} s", team->exchange_seconds());
  } catch (...) {  // the others end by themselves
  }
  try {
    team->Disconnect();
  } catch (...) {
  }
}

}  // namespace t3
