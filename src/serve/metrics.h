// Prometheus metrics, in the text format 0.0.4.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace t3::serve {

enum class MetricKind { kCounter, kGauge, kHistogram };

struct MetricFamily {
  const char* name;
  MetricKind kind;
  const char* help;
};

// Every metric there is; docs/reference/http.md describes them.
std::span<const MetricFamily> MetricFamilies();

using Labels = std::vector<std::pair<std::string_view, std::string>>;

// For use from several threads. A name that is not in the table is an Error.
class Metrics {
 public:
  void Add(std::string_view name, const Labels& labels = {}, double amount = 1);
  void Set(std::string_view name, const Labels& labels, double value);
  void Observe(std::string_view name, const Labels& labels, double seconds);

  // All of them, each family with its HELP and TYPE.
  std::string Text() const;

 private:
  struct Series {
    double value = 0;  // of a histogram its sum
    std::vector<int64_t> buckets;
    int64_t count = 0;
  };
  Series& Find(std::string_view name, MetricKind kind, const Labels& labels);

  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, Series>, std::less<>> families_;  // name -> labels
};

}  // namespace t3::serve
