// The calls of LabService about data sets.
#include "coordinator/loop/dataset_commands.h"
#include "coordinator/rpc/reply.h"
#include "coordinator/rpc/services.h"
#include "coordinator/store/dataset_rows.h"
#include "core/base/status.h"
#include "core/spec/dataset_id.h"

namespace shoal::rpc {

grpc::ServerUnaryReactor* LabServiceImpl::CreateDataset(Context* context,
                                                        const v1::CreateDatasetRequest* request,
                                                        v1::Dataset* response) {
  if (request->request_id().empty() || request->request_id().size() > 128) {
    return Reply(context, absl::InvalidArgumentError(
                              "request_id: must be 1 to 128 characters chosen by the caller, so "
                              "that a repeated request is recognised"));
  }
  const absl::Status checked = spec::CheckDataset(request->dataset());
  if (!checked.ok()) return Reply(context, checked);
  Unary* reactor = context->DefaultReactor();
  return PostFor(reactor, loop_,
                 std::make_unique<loop::CreateDatasetCommand>(*request, store_.files(),
                                                              FinishWith(reactor, response)));
}

grpc::ServerUnaryReactor* LabServiceImpl::GetDataset(Context* context,
                                                     const v1::GetDatasetRequest* request,
                                                     v1::Dataset* response) {
  return ReadFor(
      context->DefaultReactor(), store_.readers(), response,
      [name = request->name()](store::Database& db) { return store::LoadDataset(db, name); });
}

grpc::ServerUnaryReactor* LabServiceImpl::ListDatasets(Context* context,
                                                       const v1::ListDatasetsRequest*,
                                                       v1::ListDatasetsResponse* response) {
  const auto read = [](store::Database& db) -> absl::StatusOr<v1::ListDatasetsResponse> {
    SHOAL_ASSIGN_OR_RETURN(std::vector<v1::Dataset> datasets, store::LoadDatasets(db));
    v1::ListDatasetsResponse answer;
    for (v1::Dataset& dataset : datasets) *answer.add_datasets() = std::move(dataset);
    return answer;
  };
  return ReadFor(context->DefaultReactor(), store_.readers(), response, read);
}

}  // namespace shoal::rpc
