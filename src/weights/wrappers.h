// What training code wraps around a network's weights: nested dicts and prefixes of names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weights/types.h"

namespace t3 {

// True for names such as "state_dict", "generator" or "generator_ema" under which checkpoints keep
// the weights, as a dict's key or as a prefix.
bool IsWrapper(std::string_view name);

// The index of the one of `paths` ("generator_ema.model", "" for none) that holds the weights: an
// outer level gives way to what it wraps, and everything else to the moving average (EMA), which is
// what published code runs. Then a note in `notes` says what was taken. Throws Error when several
// remain.
size_t ChooseWrapped(const std::vector<std::string>& paths, std::vector<std::string>* notes);

// Removes wrappers from the names of `weights`: what torch.compile, FSDP and activation
// checkpointing insert anywhere ("_orig_mod.", "_fsdp_wrapped_module.", ...), and leading wrappers
// as ChooseWrapped chooses them. Leading wrappers that are also names of networks ("model.",
// "transformer.") stay, because combined files need them. Throws Error when two tensors get one
// name.
void RemoveWrappers(ParsedWeights* weights);

}  // namespace t3
