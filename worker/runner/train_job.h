// A TRAIN job: the steps from an order to a trained model.
#pragma once

#include "shoal/v1/runner.pb.h"
#include "worker/runner/job_io.h"

namespace shoal::runner {

// Trains to the end, or until an order ends it, or an error. Everything it produces goes through
// `reporter`; the checkpoints lie in the order's work folder.
//
// Points of the training curve stand at multiples of train.log_every (and at the last step), each
// over the steps since the one before. Checkpoints are made at such steps only (checkpoint.every is
// rounded up to one, and a preemption waits for the next), so that the curve after a resume is that
// of a run that was never interrupted, point for point.
v1::Finished RunTrainJob(const v1::AttemptOrder& order, const Orders& orders, Reporter& reporter,
                         const Clock& clock);

// `shoal-runner --attempt FILE --measure`: trains for a moment without keeping anything, and prints
// one JSON object: setup_seconds, step_seconds, evaluate_seconds_per_example, and the seconds of
// one set of samples and of saving either kind of checkpoint (into the order's work folder):
// sample_seconds, checkpoint_seconds, weights_seconds.
absl::StatusOr<std::string> MeasureTrainJob(const v1::AttemptOrder& order, Reporter& reporter,
                                            const Clock& clock);

}  // namespace shoal::runner
