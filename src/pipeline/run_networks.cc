// Which networks stay in memory.
#include "pipeline/run_networks.h"

#include <algorithm>
#include <utility>

#include "pipeline/ranks/shared_decoder.h"
#include "runtime/device.h"

namespace t3 {

void RunNetworks::TakeKept(const RunMemory& memory) {
  if (kept_ == nullptr) return;
  KeptNetworks kept = std::exchange(*kept_, {});
  const auto text = std::ranges::find(memory.device, StageKind::kTextEncoder, &StageMemory::kind);
  const bool fits =
      text == memory.device.end() || text->total() + kept.bytes <= memory.budget.device;
  const Residents residents = fits ? ChooseResidents(memory) : Residents{};
  if (residents.denoiser) denoiser_ = std::move(kept.denoiser);
  if (residents.decoder) decoder_ = std::move(kept.decoder);
}

// A draft's own denoiser is not kept: its model goes with its plan.
void RunNetworks::Keep(const RunMemory& memory) {
  if (kept_ == nullptr) return;
  MakeRoomToDenoise(memory);
  if (!scope_.IsOwn(denoiser_.model())) denoiser_.Drop(scope_.team);
  for (const StageMemory& stage : memory.device) {
    const bool denoiser = stage.kind == StageKind::kDenoiser && denoiser_;
    const bool decoder = stage.kind == StageKind::kDecoder && decoder_ != nullptr;
    if (denoiser || decoder) kept_->bytes += stage.weights;
  }
  kept_->denoiser = std::exchange(denoiser_, {});
  kept_->decoder = std::move(decoder_);
}

void RunNetworks::MakeRoomToDenoise(const RunMemory& memory) {
  Free(false, !ChooseResidents(memory).decoder);
}

// After the last video the weights are freed, so that decoding has the memory that the plan
// assumed.
void RunNetworks::MakeRoomToDecode(const RunMemory& memory, bool last) {
  const bool ends = last && kept_ == nullptr;
  Free(ends || !ChooseResidents(memory).denoiser, false);
}

// Weights that are needed again stay where there is room for them then too.
void RunNetworks::MakeRoomToEncode(const RunMemory& memory, const ModelInfo& next) {
  const Residents residents = ChooseResidents(memory);
  Free(!residents.both || denoiser_.model() != &next, !residents.both || !residents.decoder);
}

const Dit& RunNetworks::Denoiser(const ResidentDenoiser::Wanted& wanted) {
  denoiser_.Load(scope_, wanted);
  return denoiser_.dit();
}

const VideoDecoder& RunNetworks::Decoder() {
  if (!decoder_)
    decoder_ = OpenDecoder(scope_.model, scope_.settings.dtype, scope_.context, scope_.team);
  return *decoder_;
}

void RunNetworks::Free(bool denoiser, bool decoder) {
  if (denoiser) denoiser_.Drop(scope_.team);
  if (decoder) decoder_.reset();
  ReleaseCachedMemory(scope_.settings.device);
}

}  // namespace t3
