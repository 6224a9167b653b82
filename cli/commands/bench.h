// What the measurements of `shoal bench` have in common. Internal to the commands.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "cli/commands/command.h"
#include "core/spec/model_presets.h"
#include "shoal/v1/bench.pb.h"

namespace shoal::cli {

// The machine's own choice where the user made none.
std::string DtypeOr(const std::string& asked);
int ThreadsOr(int asked);

// "Model: guppy (...); ..." of those that `fits`.
std::string ModelsHelp(bool (*fits)(const v1::ModelSpec& model));

// Runs the order in a process of its own: what is measured starts as an attempt does, with nothing
// loaded. `report` is filled in. Errors: InvalidArgument with what the runner refused; Internal.
absl::Status RunBench(const v1::BenchOrder& order, int threads, google::protobuf::Message& report);

std::string MillisecondsText(double value);
// "bf16, onednn on avx512_bf16, 2 threads"
std::string WhereText(const std::string& dtype, const std::string& backend, const std::string& isa,
                      int threads);

void AddBenchTrain(CLI::App& bench, Globals& globals);
void AddBenchInfer(CLI::App& bench, Globals& globals);

}  // namespace shoal::cli
