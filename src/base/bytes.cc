// Parsing and printing of byte counts.
#include "base/bytes.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace t3 {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 12> kUnits{{
    {"", 1.0},
    {"b", 1.0},
    {"k", 1e3},
    {"kb", 1e3},
    {"m", 1e6},
    {"mb", 1e6},
    {"g", 1e9},
    {"gb", 1e9},
    {"t", 1e12},
    {"kib", 1024.0},
    {"mib", 1048576.0},
    {"gib", 1073741824.0},
}};

}  // namespace

int64_t ParseBytes(std::string_view text) {
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit;
  for (const char* c = end; c != text.data() + text.size(); ++c) {
    if (*c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  }
  if (status == std::errc() && std::isfinite(number) && number >= 0) {
    for (const auto& [name, scale] : kUnits) {
      if (unit == name && number * scale < 9e18) return static_cast<int64_t>(number * scale);
    }
  }
  FailUsage("'{}' is not an amount of memory; write it like 24GB, 512MiB or 1000000", text);
}

std::string FormatBytes(int64_t bytes) {
  const double value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.1f} GB", value / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", value / 1e6);
  if (bytes >= 1'000) return fmt::format("{:.1f} kB", value / 1e3);
  return fmt::format("{} B", bytes);
}

}  // namespace t3
