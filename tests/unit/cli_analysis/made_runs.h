// Finished runs, made up for tests.
#pragma once

#include <string>
#include <vector>

#include "shoal/v1/run.pb.h"

namespace shoal {

// "tiny-L<layers>-s<seed>" with a complete spec, bound to data "a.jsonl" and a tokenizer, SUCCEEDED
// at step 100 of 100 in 10 s after 5000 tokens, with `loss` as its held_out/loss.
v1::RunDetail MadeRun(int layers, uint64_t seed, double loss);

// Gives a binding another digest: 64 times `digit`.
void Rebind(v1::RunDetail& detail, v1::BindingRole role, char digit);

// last, min and max alike.
void SetMetric(v1::RunDetail& detail, const std::string& name, double value);

}  // namespace shoal
