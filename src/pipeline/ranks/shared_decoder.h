// Decoding in parts of the rows, one part a rank.
#pragma once

#include <memory>

#include "loading/model_info.h"
#include "models/decoder/video_decoder.h"
#include "parallel/team.h"
#include "runtime/stage.h"

namespace t3 {

// The model's decoder: this process's (LoadDecoder), or shared by the ranks of `team`, of which
// this is rank 0. Shared, every rank holds the decoder's weights and the caches of its rows, and
// rank 0 gets all pixels; a decoder that cannot be shared, or has fewer latent rows than ranks,
// runs on rank 0 alone.
std::unique_ptr<VideoDecoder> OpenDecoder(const ModelInfo& model, at::ScalarType dtype,
                                          const RunContext& context, Team* team);

// The other ranks: decode their part of what rank 0 ordered. `order` is orders::kDecode.
void FollowDecode(const VideoDecoder& decoder, Team& team, const nlohmann::json& order);

}  // namespace t3
