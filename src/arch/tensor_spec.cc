// Sums over a table of tensors and comparison of a file with it.
#include "arch/tensor_spec.h"

#include <charconv>
#include <set>

#include "base/check.h"
#include "base/text.h"

namespace t3 {
namespace {

void DescribeKind(const std::vector<std::string>& names, const char* what, size_t limit,
                  std::string* text) {
  if (names.empty()) return;
  const size_t shown = std::min(limit, names.size());
  std::vector<std::string> printable;
  for (size_t i = 0; i < shown; ++i) printable.push_back(Printable(names[i]));
  if (!text->empty()) *text += "\n";
  *text += fmt::format("{} tensor{} {} {}: {}", names.size(), names.size() == 1 ? "" : "s",
                       names.size() == 1 ? "is" : "are", what, fmt::join(printable, ", "));
  if (shown < names.size()) *text += fmt::format(" and {} more", names.size() - shown);
}

}  // namespace

int64_t TensorSpec::elements() const {
  int64_t n = 1;
  for (int64_t size : shape) n *= size;
  return n;
}

int64_t ParameterCount(const TensorTable& table) {
  int64_t count = 0;
  for (const TensorSpec& spec : table) count += spec.elements();
  return count;
}

int64_t WeightBytes(const TensorTable& table, int64_t element_bytes) {
  constexpr int64_t kFloatBytes = 4;
  int64_t bytes = 0;
  for (const TensorSpec& spec : table) {
    bytes += spec.elements() * (spec.fp32 ? kFloatBytes : element_bytes);
  }
  return bytes;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

int64_t CodesSaving(const TensorTable& table, int64_t element_bytes,
                    bool (*as_codes)(std::string_view name)) {
  constexpr int64_t kScaleBytes = 4;
  int64_t saving = 0;
  for (const TensorSpec& spec : table) {
    if (!as_codes(spec.name)) continue;
    saving += spec.elements() * (element_bytes - 1) - spec.shape.front() * kScaleBytes;
  }
  return saving;
}

TensorDifferences CompareWithTable(const TensorTable& table, const TensorViews& tensors) {
  TensorDifferences result;
  std::set<std::string> known;
  for (const TensorSpec& spec : table) {
    known.insert(spec.name);
    const auto found = tensors.find(spec.name);
    if (found == tensors.end()) {
      result.missing.push_back(spec.name);
    } else if (found->second.shape != spec.shape) {
      result.misshapen.push_back(fmt::format(
          "{} is {}, wanted {}", spec.name, ShapeText(found->second.shape), ShapeText(spec.shape)));
    }
  }
  for (const auto& [name, view] : tensors) {
    if (!known.contains(name)) result.surplus.push_back(name);
  }
  return result;
}

std::string DescribeDifferences(const TensorDifferences& differences, size_t limit) {
  std::string text;
  DescribeKind(differences.missing, "missing", limit, &text);
  DescribeKind(differences.surplus, "surplus", limit, &text);
  DescribeKind(differences.misshapen, "misshapen", limit, &text);
  return text;
}

int64_t CountIndexed(const TensorViews& tensors, const std::string& prefix) {
  const std::string start = prefix + ".";
  int64_t count = 0;
  for (auto it = tensors.lower_bound(start);
       it != tensors.end() && it->first.compare(0, start.size(), start) == 0; ++it) {
    const char* digits = it->first.data() + start.size();
    const char* end = it->first.data() + it->first.size();
    int64_t index = 0;
    const auto parsed = std::from_chars(digits, end, index);
    // Four digits are more layers than any network has; a hostile name cannot make a huge table.
    if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '.' ||
        parsed.ptr - digits > 4 || index < 0) {
      continue;
    }
    count = std::max(count, index + 1);
  }
  return count;
}

int64_t SizeOf(const TensorViews& tensors, const std::string& name, size_t dim,
               const std::string& network) {
  const auto found = tensors.find(name);
  T3_CHECK(found != tensors.end(),
           "the {} has no tensor {}, from which its sizes are read; is the file incomplete?",
           network, name);
  T3_CHECK(dim < found->second.shape.size(),
           "{} of the {} has shape {}, wanted at least {} dimensions", name, network,
           ShapeText(found->second.shape), dim + 1);
  const int64_t size = found->second.shape[dim];
  T3_CHECK(size > 0 && size < (int64_t{1} << 31), "{} of the {} has the impossible shape {}", name,
           network, ShapeText(found->second.shape));
  return size;
}

}  // namespace t3
