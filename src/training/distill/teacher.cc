// Opens and evaluates the teacher.
#include "training/distill/teacher.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>

#include "base/check.h"
#include "loading/load_models.h"
#include "nn/weights_digest.h"
#include "sampling/guidance.h"

namespace t3 {
namespace {

bool IsEmpty(const ModelFiles& files) {
  return files.model.empty() && files.dit.empty() && files.text_encoder.empty() &&
         files.vae.empty() && files.tokenizer.empty() &&
         files.loras.value_or(std::vector<Lora>()).empty();
}

const char* FamilyName(const ModelInfo& model) {
  return FamilyOf(model.dit.latent_channels) == ModelFamily::kWan22 ? "Wan2.2" : "Wan2.1";
}

bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return a == b || std::filesystem::equivalent(a, b, ignored);
}

// Also where "teacher" names the base once more.
bool IsBase(const ModelInfo& teacher, const ModelInfo& base) {
  const ModelPaths &t = teacher.paths, &b = base.paths;
  return IsSameFile(t.dit, b.dit) && IsSameFile(t.text_encoder, b.text_encoder) &&
         IsSameFile(t.vae, b.vae) && teacher.loras == base.loras;
}

// A student's latents mean nothing to a teacher of another VAE, and its texts to one of another
// text encoder.
void CheckSameFamily(const ModelInfo& teacher, const ModelInfo& base) {
  const DitConfig &t = teacher.dit, &s = base.dit;
  T3_CHECK(
      t.latent_channels == s.latent_channels,
      "the teacher {} works on {} latent channels ({}), the student's base {} on {} ({}); both "
      "must be of one family",
      teacher.paths.dit, t.latent_channels, FamilyName(teacher), base.paths.dit, s.latent_channels,
      FamilyName(base));
  T3_CHECK(t.text_dim == s.text_dim && t.text_len == s.text_len,
           "the teacher {} reads texts of {} rows of {}, the student's base {} of {} rows of {}; "
           "both must be of one family",
           teacher.paths.dit, t.text_len, t.text_dim, base.paths.dit, s.text_len, s.text_dim);
  const auto check = [&](const char* part, const NamedViews& a, const std::string& a_path,
                         const NamedViews& b, const std::string& b_path) {
    if (a_path.empty() || b_path.empty() || IsSameFile(a_path, b_path)) return;
    T3_CHECK(WeightsDigest(a) == WeightsDigest(b),
             "the teacher's {} {} has other weights than the student's {}; both must share it",
             part, a_path, b_path);
  };
  check("text encoder", teacher.text_views, teacher.paths.text_encoder, base.text_views,
        base.paths.text_encoder);
  check("VAE", teacher.vae_views, teacher.paths.vae, base.vae_views, base.paths.vae);
}

}  // namespace

TeacherModel OpenTeacher(const DistillConfig& config, const ModelInfo& base) {
  TeacherModel teacher;
  teacher.model = IsEmpty(config.teacher.model) ? base : OpenModel(config.teacher.model);
  teacher.is_base = IsBase(teacher.model, base);
  if (!teacher.is_base) {
    RequireDit(teacher.model);
    CheckDit(teacher.model);
    CheckSameFamily(teacher.model, base);
    T3_CHECK(
        config.critic.toward_student == 0 || teacher.model.dit == base.dit,
        "\"critic\": {{\"toward_student\"}} needs a teacher of the student's sizes; {} has others "
        "than {}",
        teacher.model.paths.dit, base.paths.dit);
  }
  teacher.guidance = config.teacher.guidance.value_or(teacher.model.defaults.sampling.guidance);
  teacher.negative_prompt =
      config.teacher.negative_prompt.value_or(teacher.model.defaults.negative_prompt);
  return teacher;
}

GuidedTeacher::GuidedTeacher(Dit dit, AttentionCache attention, double guidance,
                             const at::Tensor& negative)
    : dit_(std::move(dit)),
      attention_(std::move(attention)),
      guidance_(guidance),
      negative_(negative) {}

GuidedTeacher::Texts GuidedTeacher::Prepare(const std::vector<at::Tensor>& texts) const {
  const c10::NoGradGuard no_grad;
  Texts prepared{CaptionedDit(dit_, texts), std::nullopt};
  if (guidance_ != 1) {
    prepared.negative.emplace(dit_, std::vector<at::Tensor>(texts.size(), negative_));
  }
  return prepared;
}

at::Tensor GuidedTeacher::GuidanceAlone(const at::Tensor& x, const std::vector<double>& timesteps,
                                        const Texts& texts) {
  const c10::NoGradGuard no_grad;
  const at::Tensor prompt = WithoutGuidance(x, timesteps, texts);
  return (prompt - texts.negative->Velocity(x, timesteps, attention_.For(x))) * (guidance_ - 1);
}

at::Tensor GuidedTeacher::WithoutGuidance(const at::Tensor& x, const std::vector<double>& timesteps,
                                          const Texts& texts) {
  const c10::NoGradGuard no_grad;
  return texts.prompts.Velocity(x, timesteps, attention_.For(x));
}

at::Tensor GuidedTeacher::Guided(const at::Tensor& x, const std::vector<double>& timesteps,
                                 const Texts& texts) {
  const c10::NoGradGuard no_grad;
  const at::Tensor conditional = WithoutGuidance(x, timesteps, texts);
  if (!texts.negative) return conditional;
  return Guide(conditional, texts.negative->Velocity(x, timesteps, attention_.For(x)), guidance_);
}

}  // namespace t3
