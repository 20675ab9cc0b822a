// Choosing a model's files among those of its folder.
#pragma once

#include "loading/model_paths.h"

namespace t3 {

// LocateModel, and the parts that were not named chosen from the folder: the first group of
// candidates that has one which is that network, is not quantised and fits the denoiser's sizes.
// Files are opened only where there is more than one candidate. Throws Error when several fit or
// none does; the message names them. A TAEHV that stands in the VAE's place becomes the decoder,
// and the folder's own VAE, if it has one, the VAE.
ModelPaths FindModelFiles(const ModelFiles& files);

}  // namespace t3
