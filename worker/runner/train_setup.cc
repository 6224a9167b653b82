#include "worker/runner/train_setup.h"

#include "core/base/status.h"
#include "core/data/conversation.h"
#include "core/spec/fingerprint.h"
#include "core/spec/numerics.h"
#include "core/spec/spec.h"
#include "worker/engine/backend/loader.h"
#include "worker/runner/probe.h"

namespace shoal::runner {
namespace {

absl::StatusOr<std::string> RequestDigestOf(const v1::AttemptOrder& order) {
  std::vector<v1::DataBinding> bindings;
  for (const v1::LocalFile& file : order.files()) {
    v1::DataBinding& binding = bindings.emplace_back();
    binding.set_role(file.role());
    binding.set_sha256(file.sha256());
    binding.set_file_name(file.file_name());
  }
  return spec::RequestDigest(order.spec(), bindings);
}

absl::StatusOr<std::vector<engine::LoadedModel>> LoadTeachers(const v1::AttemptOrder& order,
                                                              const TrainSetup& setup) {
  std::vector<engine::LoadedModel> teachers;
  SHOAL_ASSIGN_OR_RETURN(const engine::Dtype act, engine::ParseDtype(setup.numerics.dtype()));
  for (const v1::LocalFile& file : order.files()) {
    if (file.role() != v1::BINDING_ROLE_TEACHER) continue;
    SHOAL_ASSIGN_OR_RETURN(engine::LoadedModel teacher,
                           engine::LoadModel(*setup.device, file.path(), act), "teacher ",
                           file.file_name());
    teachers.push_back(std::move(teacher));
  }
  return teachers;
}

}  // namespace

absl::StatusOr<v1::NumericsClass> NumericsOf(const v1::AttemptOrder& order) {
  if (!order.numerics().backend().empty()) return order.numerics();
  const v1::Capabilities capabilities = ProbeHere();
  return spec::ResolveNumerics(order.spec(), capabilities.backends(), capabilities.host());
}

absl::StatusOr<TrainSetup> SetUpTraining(const v1::AttemptOrder& order, Reporter& reporter,
                                         const Clock& clock) {
  SHOAL_ASSIGN_OR_RETURN(PreparedText text, PrepareText(order, reporter));
  TrainSetup setup{std::move(text), {}, nullptr, nullptr, nullptr};
  SHOAL_ASSIGN_OR_RETURN(setup.numerics, NumericsOf(order));
  reporter.Info(StrCat("numerics: ", spec::NumericsLine(setup.numerics)));
  engine::DeviceOptions device;
  device.backend = setup.numerics.backend();
  device.threads = setup.numerics.threads();
  device.options = order.spec().resources().backend_options();
  SHOAL_ASSIGN_OR_RETURN(setup.device, engine::Device::Open(device));

  engine::TrainerOptions options;
  options.model = order.spec().model();
  SHOAL_ASSIGN_OR_RETURN(
      options.vocab_size,
      spec::ResolveVocabSize(order.spec().model(), setup.text.tokenizer.vocab_size()));
  options.train = order.spec().train();
  options.train.set_dtype(setup.numerics.dtype());
  options.seed = order.spec().seed();
  options.run_id = order.run_id();
  options.tokenizer_digest = setup.text.tokenizer_digest;
  SHOAL_ASSIGN_OR_RETURN(options.request_digest, RequestDigestOf(order));
  options.numerics = setup.numerics;
  options.mask_token = data::MaskTokenOf(setup.text.tokenizer).value_or(-1);
  SHOAL_ASSIGN_OR_RETURN(options.teachers, LoadTeachers(order, setup));
  SHOAL_ASSIGN_OR_RETURN(
      setup.trainer,
      engine::Trainer::Create(*setup.device, options, setup.text.train, setup.text.held_out));
  if (options.model.head() == "lm" && !order.spec().samples().prompts().empty()) {
    SHOAL_ASSIGN_OR_RETURN(setup.generator, engine::Generator::Create(*setup.device, options.model,
                                                                      setup.trainer->weights(),
                                                                      setup.text.tokenizer, clock));
  }
  reporter.Info(StrCat("model: ", setup.trainer->parameters(), " parameters, ",
                       setup.trainer->memory_bytes() >> 20,
                       " MiB for weights, optimizer and work space"));
  return setup;
}

}  // namespace shoal::runner
