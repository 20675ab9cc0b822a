// Draws the log as SVG.
#include "training/loop/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "base/atomic_file.h"

namespace t3 {
namespace {

constexpr double kWidth = 900, kPanel = 210, kLeft = 90, kRight = 20, kTop = 34, kBottom = 30;
constexpr size_t kMaxPoints = 800;

struct Point {
  double step, value;
};
using Points = std::vector<Point>;

// At most kMaxPoints, each the mean of a span.
Points Thin(const Points& all) {
  const size_t span = (all.size() + kMaxPoints - 1) / kMaxPoints;
  if (span <= 1) return all;
  Points thin;
  for (size_t first = 0; first < all.size(); first += span) {
    const size_t count = std::min(span, all.size() - first);
    Point mean{0, 0};
    for (size_t i = first; i < first + count; ++i) {
      mean.step += all[i].step / static_cast<double>(count);
      mean.value += all[i].value / static_cast<double>(count);
    }
    thin.push_back(mean);
  }
  return thin;
}

// Mean over a window of a twentieth of the run before each point.
Points RunningMean(const Points& points) {
  const size_t window = std::max<size_t>(1, points.size() / 20);
  Points smooth;
  double sum = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    sum += points[i].value;
    if (i >= window) sum -= points[i - window].value;
    smooth.push_back({points[i].step, sum / static_cast<double>(std::min(i + 1, window))});
  }
  return smooth;
}

// 1, 2 or 5 times a power of ten, about a fifth of `range`.
double TickStep(double range) {
  const double raw = range / 5;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

struct Axis {
  double low, high, start, length;  // values, and where they are drawn
  double At(double value) const { return start + (value - low) / (high - low) * length; }
};

Axis AxisOf(const Points& points, double Point::*member, double start, double length) {
  const auto [low, high] =
      std::minmax_element(points.begin(), points.end(),
                          [&](const Point& a, const Point& b) { return a.*member < b.*member; });
  Axis axis{(*low).*member, (*high).*member, start, length};
  const double margin = std::max({axis.high - axis.low, std::abs(axis.high) * 1e-3, 1e-12}) * 0.04;
  return {axis.low - margin, axis.high + margin, start, length};
}

std::string Polyline(const Points& points, const Axis& x, const Axis& y, const char* style) {
  std::string path;
  for (const Point& point : points) {
    path += fmt::format("{:.1f},{:.1f} ", x.At(point.step), y.At(point.value));
  }
  return fmt::format("<polyline fill=\"none\" {} points=\"{}\"/>\n", style, path);
}

// A tick near zero is zero: neither 1e-17 nor -0.
double TickValue(double value, double step) { return std::abs(value) < step * 1e-6 ? 0.0 : value; }

std::string Ticks(const Axis& x, const Axis& y, double bottom) {
  std::string svg;
  const double step_y = TickStep(y.high - y.low);
  for (double v = std::ceil(y.low / step_y) * step_y; v <= y.high; v += step_y) {
    svg += fmt::format(
        "<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>"
        "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.4g}</text>\n",
        kLeft, kWidth - kRight, y.At(v), y.At(v), kLeft - 6, y.At(v) + 4, TickValue(v, step_y));
  }
  const double step_x = std::max(1.0, TickStep(x.high - x.low));
  for (double v = std::ceil(x.low / step_x) * step_x; v <= x.high; v += step_x) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.0f}</text>\n",
                       x.At(v), bottom + 16, TickValue(v, step_x));
  }
  return svg;
}

std::string Panel(const std::string& title, const Points& all, bool smooth, double top) {
  const Points points = Thin(all);
  const double bottom = top + kPanel - kBottom;
  const Axis x = AxisOf(points, &Point::step, kLeft, kWidth - kLeft - kRight);
  const Axis y = AxisOf(points, &Point::value, bottom, -(kPanel - kBottom - kTop));
  std::string svg = fmt::format("<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n", kLeft,
                                top + kTop - 12, title);
  svg += Ticks(x, y, bottom);
  svg += Polyline(points, x, y, smooth ? "stroke=\"#9db8d8\"" : "stroke=\"#1f5fa8\"");
  if (smooth) {
    svg += Polyline(RunningMean(points), x, y, "stroke=\"#1f5fa8\" stroke-width=\"2\"");
  }
  return svg;
}

std::set<std::string> ValueNames(const std::vector<LogEntry>& entries) {
  std::set<std::string> names;
  for (const LogEntry& entry : entries) {
    for (const auto& [name, value] : entry.values) names.insert(name);
  }
  return names;
}

std::optional<double> ValueOf(const LogEntry& entry, const std::string& name) {
  const auto found = entry.values.find(name);
  return found == entry.values.end() ? std::nullopt : std::optional(found->second);
}

std::string WithSpaces(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

}  // namespace

std::string DrawCurves(const std::vector<LogEntry>& entries) {
  struct Series {
    std::string title;
    std::function<std::optional<double>(const LogEntry&)> value;
    bool smooth;
  };
  std::vector<Series> series = {
      {"loss", [](const LogEntry& e) { return e.loss; }, true},
      {"validation loss", [](const LogEntry& e) { return e.validation_loss; }, true},
      {"gradient norm", [](const LogEntry& e) { return e.gradient_norm; }, true},
      {"learning rate", [](const LogEntry& e) { return e.lr; }, false},
      {"samples per second", [](const LogEntry& e) { return e.samples_per_second; }, false}};
  for (const std::string& name : ValueNames(entries)) {
    series.push_back(
        {WithSpaces(name), [name](const LogEntry& e) { return ValueOf(e, name); }, true});
  }
  std::string panels;
  double top = 0;
  for (const auto& [title, value, smooth] : series) {
    Points points;
    for (const LogEntry& entry : entries) {
      if (const auto y = value(entry)) points.push_back({static_cast<double>(entry.step), *y});
    }
    if (points.empty()) continue;
    panels += Panel(title, points, smooth, top);
    top += kPanel;
  }
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
             "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
             "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
             kWidth, top + 10) +
         panels + "</svg>\n";
}

void WriteCurves(const std::string& path, const std::vector<LogEntry>& entries) {
  WriteAtomically(path, DrawCurves(entries));
}

}  // namespace t3
