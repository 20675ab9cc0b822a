// Maps the tensor names of files to canonical (original) names, by rules that are data.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/types.h"
#include "weights/weight_file.h"

namespace t3 {

// Names a module or a whole tensor. '#' in `from` matches a decimal number; the n-th '#' of `to`
// stands for the n-th number. A rule for a module serves its .weight, .bias and .gamma.
struct RenameRule {
  std::string from;
  std::string to;
  std::string style;  // "original", "diffusers", "transformers"
};

// How the files of one network name their tensors.
struct Naming {
  std::string network;                // "DiT", "text encoder", "VAE": for messages
  std::vector<std::string> prefixes;  // stripped repeatedly
  // Prefixes that belong to this network alone. Where a combined file has one of them, names
  // without are other networks'.
  std::vector<std::string> own = {};
  std::vector<std::string> foreign;  // prefixes of other networks in a combined file: left out
  std::vector<std::string> extras;   // names that the network does not use: left out
  // Modules of variants that t3 runs without them: left out, with a note.
  struct LeftOut {
    std::string from;  // as in RenameRule
    std::string note;
  };
  std::vector<LeftOut> unused = {};
  // Parts of the names of image-to-video variants' layers, which this network does not have.
  std::vector<std::string> image_layers = {};
  std::vector<RenameRule> rules;
  // If set, gives the tensor with this canonical name its shape, where writers store the same
  // values in another one.
  void (*restore_shape)(std::string_view name, std::vector<int64_t>* shape) = nullptr;
};

struct CanonicalMatch {
  std::string name;
  std::string style;
  bool prefixed = false;
};

// The canonical form of the name of a tensor or module ("blocks.0.attn1.to_q"); nullopt if no rule
// matches.
std::optional<CanonicalMatch> FindCanonical(const Naming& naming, std::string_view name);
// The same for a name with '_' in place of '.', as in kohya's LoRA files.
std::optional<CanonicalMatch> FindCanonicalUnderscored(const Naming& naming, std::string_view name);

// `name` without the prefixes of `naming`.
std::string_view StripPrefixes(const Naming& naming, std::string_view name);

// The tensors of one network in a file, by canonical name.
struct NamedViews {
  TensorViews tensors;
  // Factors of weights stored in fp8 or int8, by the canonical name of the weight: one number, or
  // one per row, column or block.
  TensorViews scales;
  std::map<std::string, std::string> stored;  // canonical name -> name in the file
  std::vector<std::string> left_out;          // known, but not part of the network
  std::vector<std::string> notes;             // what their lack means, a sentence each
  std::vector<std::string> styles;            // of the rules that matched, without repetition
  bool prefixed = false;                      // a prefix was stripped somewhere
  Metadata metadata;
  std::string path;
  std::shared_ptr<const WeightFile> file;  // keeps the mapped bytes alive
};

// Renames the tensors of `file`. A name that no rule matches stays, and is later reported as
// surplus. Two stored names for one tensor are accepted if their contents are equal; otherwise
// throws Error. Reads tensor data of duplicates only.
NamedViews NameTensors(std::shared_ptr<const WeightFile> file, const Naming& naming);

}  // namespace t3
