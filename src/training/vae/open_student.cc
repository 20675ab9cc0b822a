// Opens a student by what its file is.
#include "training/vae/open_student.h"

#include "loading/decoder_file.h"
#include "training/vae/taehv_student.h"
#include "training/vae/vae_student.h"

namespace t3 {

std::unique_ptr<DecoderStudent> OpenDecoderStudent(const std::string& path,
                                                   const StudentSettings& settings) {
  const DecoderFile file = OpenDecoderFile(path, "`student.decoder`", nullptr);
  const VaeConfig& teacher = settings.teacher.config;
  CheckDecoderFits(file, teacher.latent_channels, teacher.spatial_stride(),
                   "the teacher " + settings.teacher.path);
  CheckDecoderFile(file);
  if (file.is_taehv()) return std::make_unique<TaehvStudent>(file, settings);
  return std::make_unique<VaeStudent>(file, settings);
}

}  // namespace t3
