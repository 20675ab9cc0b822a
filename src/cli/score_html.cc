// A table of metrics with their worst and best clips, then every clip with its values.
#include "cli/score_html.h"

#include <algorithm>

#include "base/base64.h"
#include "base/check.h"
#include "base/read_text.h"
#include "base/text.h"
#include "cli/score_text.h"

namespace t3 {
namespace {

constexpr const char* kMark = "<meta name=\"generator\" content=\"t3 score\">";

constexpr const char* kStyle = R"(
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1500px; padding: 0 1em;
       color: #222; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; font-size: 13px; }
th, td { text-align: left; vertical-align: top; padding: 4px 8px; border-bottom: 1px solid #ddd; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th { position: sticky; top: 0; background: #f4f4f4; }
.t { display: inline-block; width: 160px; background: #eee center/contain no-repeat;
     margin: 0 4px 2px 0; }
td.f { white-space: nowrap; }
td.m { max-width: 18em; }
figure { display: inline-block; margin: 0 6px 0 0; width: 112px; vertical-align: top; }
figure .t { width: 112px; }
figcaption { font-size: 10px; line-height: 1.2; white-space: normal; overflow-wrap: anywhere; }
.bad { color: #a40000; } .dim { color: #666; }
.wide { overflow-x: auto; }
)";

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : ReplaceInvalidUtf8(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// Each thumbnail once, as the background of a class.
std::string ThumbnailStyles(const ScoreResult& result) {
  std::string css;
  for (size_t i = 0; i < result.clips.size(); ++i) {
    const ClipScores& clip = result.clips[i];
    if (clip.thumbnail.empty() || clip.width == 0) continue;
    css += fmt::format(
        ".t{} {{ background-image: url(data:image/png;base64,{}); aspect-ratio: {} / {}; }}\n", i,
        ToBase64(clip.thumbnail), clip.width, clip.height);
  }
  return css;
}

std::string Figure(const ScoreResult& result, size_t clip, const std::string& metric) {
  const ClipScores& scores = result.clips[clip];
  return fmt::format(
      "<figure><a href=\"#c{0}\"><span class=\"t t{0}\"></span></a><figcaption>{1}<br>{2:.4g}"
      "</figcaption></figure>",
      clip, Escaped(scores.name), scores.values.at(metric));
}

std::string MetricRow(const ScoreResult& result, const MetricSummary& summary, bool truth) {
  constexpr size_t kEnds = 3;
  const std::string name(summary.metric.name);
  const ScoreEnds ends = EndsOf(result, summary, std::min(kEnds, summary.ascending.size() / 2));
  const auto figures = [&](const std::vector<size_t>& clips) {
    std::string html;
    for (const size_t clip : clips) html += Figure(result, clip, name);
    return html;
  };
  const std::string spread =
      summary.mean.count > 1 ? fmt::format(" &plusmn; {:.2g}", summary.mean.half_width()) : "";
  std::string row = fmt::format(
      "<tr><td class=\"m\"><b>{}</b><br><span class=\"dim\">{}</span></td><td>{}</td><td>{}</td>"
      "<td class=\"n\">{:.4g}{}</td><td class=\"n\">{}</td>",
      name, Escaped(summary.metric.source), Escaped(summary.metric.unit),
      DirectionText(summary.metric.better), summary.mean.mean, spread, summary.mean.count);
  if (truth) {
    row += "<td class=\"n\">" +
           (summary.truth_correlation ? fmt::format("{:+.2f}", *summary.truth_correlation) : "") +
           "</td>";
  }
  return row + fmt::format("<td class=\"f\">{}</td><td class=\"f\">{}</td></tr>\n",
                           figures(ends.worst), figures(ends.best));
}

std::string MetricsTable(const ScoreResult& result) {
  const bool truth = std::ranges::any_of(
      result.metrics, [](const MetricSummary& m) { return m.truth_correlation.has_value(); });
  std::string html = fmt::format(
      "<h2>Metrics</h2>\n{}<div "
      "class=\"wide\"><table><tr><th>metric</th><th>unit</th><th>better</th>"
      "<th>mean</th><th>clips</th>{}<th>worst, or lowest</th><th>best, or highest</th></tr>\n",
      truth ? "<p>Truth: Spearman's rank correlation with <code>world_attributes</code>, the share "
              "of the prompt that the detector of the synthetic world reads in the clip. A metric "
              "in which more is better follows the truth at +1, one in which less is better at "
              "-1.</p>\n"
            : "",
      truth ? "<th>truth</th>" : "");
  for (const MetricSummary& summary : result.metrics) html += MetricRow(result, summary, truth);
  return html + "</table></div>\n";
}

std::string ClipRow(const ScoreResult& result, size_t index) {
  const ClipScores& clip = result.clips[index];
  std::string row = fmt::format(
      "<tr id=\"c{0}\"><td><span class=\"t t{0}\"></span><br><b>{1}</b><br>{2}<br><span "
      "class=\"dim\">{3}x{4}, {5} frames</span>",
      index, Escaped(clip.name), Escaped(clip.prompt), clip.width, clip.height, clip.frames);
  for (const ScoreProblem& problem : clip.failures)
    row +=
        fmt::format("<br><span class=\"bad\">{} {}</span>", problem.group, Escaped(problem.reason));
  for (const ScoreProblem& problem : clip.gaps)
    row += fmt::format("<br><span class=\"dim\">{}</span>", Escaped(problem.reason));
  row += "</td>";
  for (const MetricSummary& summary : result.metrics) {
    const auto value = clip.values.find(std::string(summary.metric.name));
    row += "<td class=\"n\">" +
           (value == clip.values.end() ? "" : fmt::format("{:.4g}", value->second)) + "</td>";
  }
  return row + "</tr>\n";
}

std::string ClipsTable(const ScoreResult& result) {
  std::string html = "<h2>Clips</h2>\n<div class=\"wide\"><table><tr><th>clip</th>";
  for (const MetricSummary& summary : result.metrics)
    html += fmt::format("<th>{}</th>", summary.metric.name);
  html += "</tr>\n";
  for (size_t i = 0; i < result.clips.size(); ++i) html += ClipRow(result, i);
  return html + "</table></div>\n";
}

std::string Problems(const ScoreResult& result) {
  std::string html;
  for (const ScoreProblem& problem : result.failures)
    html += fmt::format("<p class=\"bad\">{} {}</p>\n", problem.group, Escaped(problem.reason));
  for (const std::string& note : result.notes)
    html += fmt::format("<p class=\"dim\">{}</p>\n", Escaped(note));
  if (result.interrupted) html += "<p class=\"bad\">Interrupted: not every clip is here.</p>\n";
  return html;
}

}  // namespace

std::string ScoreHtml(const ScoreResult& result) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">{}\n<title>Scores of {}"
      "</title>\n<style>{}{}</style></head>\n<body><h1>Scores of {}</h1>\n{}{}{}</body></html>\n",
      kMark, Counted(std::ssize(result.clips), "clip"), kStyle, ThumbnailStyles(result),
      Counted(std::ssize(result.clips), "clip"), Problems(result), MetricsTable(result),
      ClipsTable(result));
}

bool IsScoreHtml(const std::string& path) {
  constexpr size_t kHead = 512;
  try {
    return ReadText(path).substr(0, kHead).find(kMark) != std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace t3
