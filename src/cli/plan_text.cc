// What t3 plan prints.
#include "cli/plan_text.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"
#include "cli/flags.h"
#include "cli/terminal.h"
#include "cli/units.h"

namespace t3 {
namespace {

std::string Commas(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string Count(int64_t value) { return Commas(static_cast<double>(value)); }

// Four digits in a unit that fits: 594.5 TMAC, 43,299 TMAC, 756.4 MMAC.
std::string Amount(double value, const char* unit) {
  if (value >= kTera * 1000) return Commas(value / kTera) + " T" + unit;
  constexpr std::pair<double, const char*> kPrefixes[] = {
      {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
  for (const auto& [scale, prefix] : kPrefixes) {
    if (value >= scale) return fmt::format("{:.4g} {}{}", value / scale, prefix, unit);
  }
  return fmt::format("0 {}", unit);
}

std::string Macs(double macs) { return Amount(macs, "MAC"); }

// A multiply-accumulate is two operations.
std::string Flops(double macs) {
  constexpr double kPeta = 1e15;
  const double flop = 2 * macs;
  return flop >= kPeta ? fmt::format("{:.4g} PFLOP", flop / kPeta) : Amount(flop, "FLOP");
}

std::string SizeText(const VideoPlan& video) {
  std::string text =
      fmt::format("{}x{}, {}", video.width, video.height, Counted(video.frames, "frame"));
  if (video.padded_width != video.width || video.padded_height != video.height) {
    text +=
        fmt::format(", generated at {}x{} and cropped", video.padded_width, video.padded_height);
  }
  return text;
}

std::string LayoutsText(const std::vector<WindowLayout>& layouts) {
  std::string text = "  layers   windows t,h,w   number   tokens per window\n";
  for (const WindowLayout& entry : layouts) {
    const std::string counts =
        fmt::format("{},{},{}", entry.counts.t, entry.counts.h, entry.counts.w);
    const bool even = entry.smallest_tokens == entry.largest_tokens;
    text += fmt::format(
        "  {:>6}   {:<13}   {:>6}   {}{}\n", entry.layers, counts, entry.counts.windows(),
        even ? Count(entry.largest_tokens)
             : fmt::format("{} to {}", Count(entry.smallest_tokens), Count(entry.largest_tokens)),
        entry.coincide ? ", close and remote coincide" : "");
  }
  return text;
}

std::string WorkText(const Work& work) {
  std::string text = "work of one forward, one guidance branch\n";
  text += fmt::format("  attention        {:>12}   (T3 {}, full {})\n", Macs(work.attention),
                      Macs(work.t3_attention), Macs(work.full_attention));
  text += fmt::format("  linear layers    {:>12}\n", Macs(work.linears));
  text += fmt::format("  cross-attention  {:>12}\n", Macs(work.cross_attention));
  text +=
      fmt::format("  total            {:>12}   ({})\n", Macs(work.forward), Flops(work.forward));
  return text +
         fmt::format("decoding           {:>12}   ({})\n", Macs(work.decode), Flops(work.decode));
}

std::string MachineName(const PlanResult& plan) {
  return plan.device_name.empty() ? plan.device
                                  : fmt::format("{} ({})", plan.device, plan.device_name);
}

// The two budgets, and what is beyond them. On the CPU they are of the same memory.
std::string AvailableText(const MemoryOutlook& memory) {
  const int64_t device = memory.device_budget, host = memory.host_budget;
  std::string text;
  if (device > 0) text += fmt::format("  {:<14} {:>9}", "available", FormatBytes(device));
  if (host > 0 && host != device) {
    if (device > 0) text += "   to a stage\n";
    text += fmt::format("  {:<14} {:>9}   on the host", "available", FormatBytes(host));
  }
  if (!text.empty()) text += "\n";
  const std::optional<StageMemory> too_large = memory.TooLarge();
  if (!too_large) return text;
  const bool whole = too_large->kind == StageKind::kHost;
  return text + fmt::format(
                    "  does not fit: the {} needs {}, and {} are available; `t3 generate` "
                    "refuses it\n",
                    whole ? "process on the host" : too_large->name(),
                    FormatBytes(too_large->total()), FormatBytes(whole ? host : device));
}

std::string MemoryText(const PlanResult& plan) {
  const MemoryOutlook& memory = plan.memory;
  std::string text = fmt::format("memory by stage on {}, {}, one stage after the other\n",
                                 MachineName(plan), ComputeDtypeName(plan.dtype));
  const auto line = [&](const StageMemory& stage) {
    text += fmt::format(
        "  {:<14} {:>9}   weights {}, activations {}{}{}{}\n", stage.name(),
        FormatBytes(stage.total()), FormatBytes(stage.weights), FormatBytes(stage.activations),
        stage.context > 0
            ? fmt::format(", {} {}", memory.on_gpu ? "the GPU's context" : "the process",
                          FormatBytes(stage.context))
            : "",
        stage.note.empty() ? "" : "; ", stage.note);
  };
  for (const StageMemory& stage : memory.stages) line(stage);
  line(memory.host);
  return text + AvailableText(memory);
}

// The splits of the ranks, the first of which is taken where it fits.
std::string RanksText(const PlanResult& plan) {
  const RankOutlook& ranks = plan.ranks;
  if (ranks.ranks == 1) return "";
  std::string text =
      fmt::format("shared by {} GPUs; memory and times are of one of them\n", ranks.ranks);
  bool taken = false;
  for (const RankOutlook::Split& split : ranks.splits) {
    const bool takes = split.fits && !taken;
    text += fmt::format("  {}{}: denoiser {} a GPU{}, {}{}\n", takes ? "takes " : "or ", split.name,
                        FormatBytes(split.denoiser_bytes), split.fits ? "" : ", does not fit",
                        split.exchanged_bytes == 0
                            ? "which exchange a velocity per step"
                            : fmt::format("each sends {} per forward",
                                          FormatBytes(static_cast<int64_t>(split.exchanged_bytes))),
                        split.step ? fmt::format(", {} a step", FormatSeconds(*split.step)) : "");
    taken = taken || takes;
  }
  if (ranks.splits.size() > 1)
    text +=
        "  branches come first: they exchange least, and parts of the tokens need less memory\n";
  return text;
}

std::string StepsText(const PlanResult& plan) {
  std::string text = Counted(plan.steps, "step");
  if (plan.segments > 1) text += fmt::format(" in {} segments", plan.segments);
  return text + fmt::format(", guidance {}", plan.guidance);
}

std::string TimeText(const PlanResult& plan, const TimeOutlook& time) {
  const auto rate = [](double macs) { return Amount(macs, "MAC/s"); };
  std::string text = fmt::format("expected time on {}, {}, calibrated {}\n", MachineName(plan),
                                 ComputeDtypeName(plan.dtype), time.measured);
  const auto line = [&](const char* name, double seconds, const std::string& note) {
    text += fmt::format("  {:<15}  {:>10}{}\n", name, FormatSeconds(seconds),
                        note.empty() ? "" : "   (" + note + ")");
  };
  line("start-up", time.start, "once, in the first forward");
  if (time.draft > 0) line("draft", time.draft, "denoising and decoding");
  if (time.encoding > 0) line("encoding", time.encoding, "at the decoder's rate");
  line("one forward", time.forward, "");
  line("denoising", time.denoising, StepsText(plan));
  line("decoding", time.decoding, "without the file's encoder");
  return text + fmt::format("  rates            linear layers {}, attention {}, decoder {}\n",
                            rate(time.linear_rate), rate(time.attention_rate),
                            rate(time.decode_rate));
}

// The clip that the video starts from.
std::string SourceText(const PlanResult& plan) {
  if (!plan.strength) return "";
  std::string text = "source     ";
  if (plan.draft) {
    const VideoPlan& draft = plan.draft->video;
    text += fmt::format("draft of {}x{}, {}, {} attention", draft.width, draft.height,
                        Counted(plan.draft->steps, "step"),
                        AttentionName(plan.draft->attention.pattern));
  } else {
    text += "a video";
  }
  return text + fmt::format("; strength {}: {}\n", *plan.strength, StepsText(plan));
}

}  // namespace

std::string PlanText(const PlanResult& plan) {
  const VideoPlan& video = plan.video;
  const bool full = plan.attention.pattern == AttentionPattern::kFull;
  std::string text = fmt::format("{}: {}\n", plan.model, SizeText(video));
  text += fmt::format("latents    {} x {} x {} x {}\n", video.latent_channels, video.latent.t,
                      video.latent.h, video.latent.w);
  text += fmt::format("tokens     {} ({} x {} x {})\n", Count(video.grid.tokens()), video.grid.t,
                      video.grid.h, video.grid.w);
  text += fmt::format("attention  {}{}{})\n", AttentionName(plan.attention.pattern),
                      full ? "; T3 at this size would have these windows (" : " (windows: ",
                      plan.attention.windows_source);
  text += fmt::format("decoder    {}\n", plan.decoder);
  text += SourceText(plan);
  text += LayoutsText(plan.layouts) + WorkText(plan.work) + RanksText(plan) + MemoryText(plan);
  if (plan.time) text += TimeText(plan, *plan.time);
  for (const std::string& note : plan.notes) text += "note: " + WithFlags(note) + "\n";
  return text;
}

}  // namespace t3
