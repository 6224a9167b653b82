// LabService: runs and sweeps coming into being, and sweeps growing.
#include "coordinator/loop/plan.h"
#include "coordinator/loop/submit_commands.h"
#include "coordinator/rpc/reply.h"
#include "coordinator/rpc/services.h"
#include "coordinator/store/sweep_rows.h"
#include "core/base/status.h"

namespace shoal::rpc {

grpc::ServerUnaryReactor* LabServiceImpl::SubmitRun(Context* context,
                                                    const v1::SubmitRunRequest* request,
                                                    v1::SubmitRunResponse* response) {
  absl::StatusOr<loop::Submission> submission = loop::PlanRun(*request);
  if (!submission.ok()) return Reply(context, submission.status());
  Unary* reactor = context->DefaultReactor();
  auto done = [reactor, response](absl::StatusOr<v1::SubmitSweepResponse> result) {
    if (result.ok()) {
      *response->mutable_run() = std::move(*result->mutable_runs(0));
      response->set_reused(response->run().reused());
      response->mutable_run()->clear_reused();  // which is about sweeps
    }
    reactor->Finish(ToGrpc(result.status()));
  };
  return PostFor(reactor, loop_,
                 std::make_unique<loop::SubmitCommand>(*std::move(submission), std::move(done)));
}

grpc::ServerUnaryReactor* LabServiceImpl::SubmitSweep(Context* context,
                                                      const v1::SubmitSweepRequest* request,
                                                      v1::SubmitSweepResponse* response) {
  absl::StatusOr<loop::Submission> submission = loop::PlanSweep(*request);
  if (!submission.ok()) return Reply(context, submission.status());
  Unary* reactor = context->DefaultReactor();
  return PostFor(
      reactor, loop_,
      std::make_unique<loop::SubmitCommand>(*std::move(submission), FinishWith(reactor, response)));
}

grpc::ServerUnaryReactor* LabServiceImpl::ExtendSweep(Context* context,
                                                      const v1::ExtendSweepRequest* request,
                                                      v1::SubmitSweepResponse* response) {
  const absl::StatusOr<v1::Sweep> present = loop_.runs().GetSweep(request->target());
  if (!present.ok()) return Reply(context, present.status());
  absl::StatusOr<loop::Submission> submission = loop::PlanExtension(*request, *present);
  if (!submission.ok()) return Reply(context, submission.status());
  Unary* reactor = context->DefaultReactor();
  return PostFor(
      reactor, loop_,
      std::make_unique<loop::SubmitCommand>(*std::move(submission), FinishWith(reactor, response)));
}

grpc::ServerUnaryReactor* LabServiceImpl::GetSweep(Context* context,
                                                   const v1::GetSweepRequest* request,
                                                   v1::Sweep* response) {
  const absl::StatusOr<v1::Sweep> sweep = loop_.runs().GetSweep(request->sweep());
  if (!sweep.ok()) return Reply(context, sweep.status());
  const auto read = [sweep = *sweep](store::Database& db) -> absl::StatusOr<v1::Sweep> {
    v1::Sweep complete = sweep;
    SHOAL_ASSIGN_OR_RETURN(*complete.mutable_spec(), store::LoadSweepSpec(db, sweep.sweep_id()));
    return complete;
  };
  return ReadFor(context->DefaultReactor(), store_.readers(), response, read);
}

}  // namespace shoal::rpc
