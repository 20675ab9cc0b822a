// A decoded draft, from which a clip is made at another size.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "media/video_writer.h"
#include "models/decoder/video_decoder.h"
#include "pipeline/decode_target.h"
#include "pipeline/row_spool.h"
#include "runtime/stage.h"

namespace t3 {

// Decodes latents (z,T,h,w) at their own size, as DecodeInto does, into a spool in `folder`; and
// into `file`, the writer of target.output, unless it is nullptr. Throws Error when the folder has
// no room.
std::shared_ptr<const RowSpool> SpoolDraft(const VideoDecoder& decoder, const at::Tensor& latents,
                                           const DecodeTarget& target,
                                           std::unique_ptr<VideoWriter> file,
                                           const std::string& folder, Stage& stage);

}  // namespace t3
