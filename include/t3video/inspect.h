// What weight files hold, and whether it can be used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace t3 {

// Differences between the tensors that a network of these sizes has and those of a file, by name.
struct TensorDifferences {
  std::vector<std::string> missing;    // that the network has and the file lacks
  std::vector<std::string> surplus;    // in the file only
  std::vector<std::string> misshapen;  // "NAME is (1, 2), wanted (2, 1)"
  bool none() const { return missing.empty() && surplus.empty() && misshapen.empty(); }
};

// One line per kind of difference: "3 tensors are missing: a, b, c". At most `limit` names of each
// kind, then the number of the others. Empty if there are no differences.
std::string DescribeDifferences(const TensorDifferences& differences, size_t limit = 8);

// One field of a configuration. Of a network: "dim", "num_layers", "version", ...; of a LoRA:
// "network", "changed_tensors", "ranks" (tensors by rank), "strength"; of other files: "shape".
struct SizeField {
  std::string name;
  std::variant<int64_t, double, bool, std::string, std::vector<int64_t>,
               std::map<std::string, int64_t>>
      value;
  bool operator==(const SizeField&) const = default;
};

// The field of this name; nullptr if there is none.
const SizeField* FindSize(const std::vector<SizeField>& sizes, std::string_view name);

// One network, LoRA or other content of a file.
struct InspectReport {
  std::string path;
  std::string kind;    // "DiT", "text encoder", "VAE 2.1", "LoRA", "latents", ..., "unknown"
  std::string format;  // "safetensors", "torch zip", ...
  std::string naming;  // "original", "ComfyUI", "diffusers", "transformers"; empty: does not apply
  int64_t bytes = 0;   // of tensor data
  int64_t tensors = 0;
  int64_t parameters = 0;
  std::map<std::string, int64_t> dtypes;  // name -> tensors
  // Of dtypes whose values are quantised: "4.5 bits a value", "a scale per row".
  std::map<std::string, std::string> quantisation;
  std::vector<SizeField> sizes;  // in the order of reports; empty: unknown
  std::string preset;            // of the same sizes; empty: none
  bool complete = false;         // every tensor there, no others, shapes and dtypes right
  TensorDifferences differences;
  std::string note;  // why it cannot be used, or what was left out
  std::map<std::string, std::string> metadata;
};

struct InspectResult {
  std::string path;    // of the file, or of the model's folder
  bool model = false;  // a folder (or "demo") was inspected: `complete` and `note` are the model's
  bool complete = true;   // all of it can be used; of a model: it can make a video
  std::string note = {};  // of a model: what keeps it from making a video; empty: nothing
  // Combined files hold several networks. Of a file at least one.
  std::vector<InspectReport> reports = {};
};

// What a weight file is, and whether it is complete; or the same of every network of a model's
// folder or of "demo". Throws Error when it cannot be read.
InspectResult Inspect(const std::string& path);

}  // namespace t3
