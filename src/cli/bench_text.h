// What t3 bench prints, as text and as JSON.
#pragma once

#include <string>
#include <string_view>

#include "t3video/bench.h"

namespace t3 {

std::string BenchText(const DitBenchResult& result, const BenchRequest& request);
std::string BenchText(const AttentionBenchResult& result, const BenchRequest& request);
std::string BenchText(const VaeBenchResult& result, const VaeBenchRequest& request);
std::string BenchText(const EncodeBenchResult& result, const EncodeBenchRequest& request);
std::string BenchText(const FileBenchResult& result, const FileBenchRequest& request);

// A table of the parts of one more `what`; "" where none was measured.
std::string ProfileText(const BenchProfile& profile, std::string_view what);

// One object.
std::string BenchJson(const DitBenchResult& result, const BenchRequest& request);
std::string BenchJson(const AttentionBenchResult& result, const BenchRequest& request);
std::string BenchJson(const VaeBenchResult& result, const VaeBenchRequest& request);
std::string BenchJson(const EncodeBenchResult& result, const EncodeBenchRequest& request);
std::string BenchJson(const FileBenchResult& result, const FileBenchRequest& request);

}  // namespace t3
