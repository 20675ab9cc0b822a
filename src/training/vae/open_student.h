// The student that a file makes.
#pragma once

#include <memory>
#include <string>

#include "training/vae/decoder_student.h"

namespace t3 {

// The decoder in the file `path`: a TAEHV, or a VAE, of which the decoder is taken. Throws Error
// for a file that is neither, and for one that does not decode the teacher's latents.
std::unique_ptr<DecoderStudent> OpenDecoderStudent(const std::string& path,
                                                   const StudentSettings& settings);

}  // namespace t3
