// Every model family computes what the classes of Hugging Face transformers compute: loss, logits
// and the gradient of every parameter, on every installed compute backend.
//
// The golden files are made by scripts/model_families.py in f64; what is repeated here is its
// closed formula of initial weights. In f64 the reference backend agrees to the last digits. A
// backend that lacks an operation of a family is skipped there, by name.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/spec/model_counts.h"
#include "core/spec/spec.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/backend/loader.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/model/weights.h"
#include "worker/engine/program/passes.h"
#include "worker/engine/program/planner.h"
#include "worker/engine/train/train_programs.h"

namespace shoal::engine {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

double Number(const Struct& object, const std::string& key) {
  return object.fields().at(key).number_value();
}
const auto& List(const Struct& object, const std::string& key) {
  return object.fields().at(key).list_value().values();
}
std::vector<double> Numbers(const google::protobuf::RepeatedPtrField<Value>& list) {
  std::vector<double> numbers;
  for (const Value& value : list) numbers.push_back(value.number_value());
  return numbers;
}

// One golden file.
struct Golden {
  Struct json;
  v1::ModelSpec model;  // complete
  int64_t vocab_size = 0, labels = 0;

  static Golden Read(const std::string& family) {
    Golden golden;
    RealFileSystem files;
    const auto text =
        files.ReadFile(SourcePath(StrCat("tests/golden/data/family_", family, ".json")));
    EXPECT_OK(text);
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(*text, &golden.json).ok());
    std::string model;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(
                    golden.json.fields().at("model").struct_value(), &model)
                    .ok());
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(model, &golden.model).ok());
    spec::FillDefaults(golden.model);
    golden.vocab_size = static_cast<int64_t>(Number(golden.json, "vocab_size"));
    golden.labels = static_cast<int64_t>(Number(golden.json, "labels"));
    return golden;
  }
};

// The golden sequences, packed without padding as the trainer packs them.
struct Packed {
  std::vector<int32_t> tokens, positions, segments, targets, rows, offsets = {0};
  std::vector<int32_t> last_rows;  // of each sequence
  int32_t longest = 0;
  int64_t counted = 0;

  Packed(const Golden& golden, Task task) {
    for (const Value& sequence : List(golden.json, "sequences")) {
      const std::vector<double> ids = Numbers(List(sequence.struct_value(), "tokens"));
      const std::vector<double> wanted = Numbers(List(sequence.struct_value(), "targets"));
      const auto begin = static_cast<int32_t>(tokens.size());
      for (size_t i = 0; i < ids.size(); ++i) {
        tokens.push_back(static_cast<int32_t>(ids[i]));
        positions.push_back(static_cast<int32_t>(i));
        segments.push_back(0);
      }
      for (size_t i = 0; i < wanted.size(); ++i) {
        const auto target = static_cast<int32_t>(wanted[i]);
        counted += target >= 0 ? 1 : 0;
        if (task == Task::kMaskedTokens && target < 0) continue;
        targets.push_back(target);
        // Of a classifier, the row that is pooled: the first of the sequence.
        rows.push_back(begin + static_cast<int32_t>(i));
      }
      offsets.push_back(static_cast<int32_t>(tokens.size()));
      last_rows.push_back(offsets.back() - 1);
      longest = std::max(longest, static_cast<int32_t>(ids.size()));
    }
  }
  int64_t sequences() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

std::vector<float> InitialValues(size_t index, const Parameter& parameter) {
  const bool is_norm = parameter.name.find("norm") != std::string::npos;
  const double base = is_norm && parameter.name.ends_with("weight") ? 1.0 : 0.0;
  const auto i = static_cast<double>(index);
  std::vector<float> values;
  for (int64_t element = 0; element < parameter.elements(); ++element) {
    const auto k = static_cast<double>(element);
    values.push_back(
        static_cast<float>(base + 0.15 * (std::sin(0.37 * (k + 1) * (1 + 0.01 * i) + i) +
                                          std::cos(0.11 * k * k + i))));
  }
  return values;
}

// A family's model on one device, run through the trainer's own program.
class Family {
 public:
  Family(Device& device, const Golden& golden, Dtype act, bool fuse)
      : device_(device),
        golden_(golden),
        act_(act),
        fuse_(fuse),
        model_(golden.model, golden.vocab_size, golden.labels),
        layout_(model_.Parameters()),
        batch_(golden, TaskOf(golden.model)) {}

  void Check(double tolerance) {
    ASSERT_NO_FATAL_FAILURE(CheckParameters());
    ASSERT_OK_AND_ASSIGN(weights_, Weights::Create(device_, layout_, act_));
    for (size_t i = 0; i < layout_.parameters().size(); ++i) {
      const Parameter& parameter = layout_.parameters()[i];
      ASSERT_OK(weights_->Set(parameter.name, InitialValues(i, parameter)));
    }
    ASSERT_OK_AND_ASSIGN(gradients_, device_.Allocate(layout_.flat_elements() * Size()));
    ASSERT_NO_FATAL_FAILURE(CheckLossAndGradients(tolerance));
    ASSERT_NO_FATAL_FAILURE(CheckLogits(tolerance));
  }
  // What the backend cannot do; empty: everything was compared.
  const std::string& lacking() const { return lacking_; }

 private:
  // Names, shapes and order are the golden file's, and the size is the one that core/spec counts.
  void CheckParameters() {
    const auto& expected = List(golden_.json, "parameters");
    ASSERT_EQ(static_cast<size_t>(expected.size()), layout_.parameters().size());
    for (size_t i = 0; i < layout_.parameters().size(); ++i) {
      const Struct& golden = expected[static_cast<int>(i)].struct_value();
      const Parameter& parameter = layout_.parameters()[i];
      ASSERT_EQ(parameter.name, golden.fields().at("name").string_value());
      std::vector<double> shape(parameter.shape.dims.begin(),
                                parameter.shape.dims.begin() + parameter.shape.rank);
      ASSERT_EQ(shape, Numbers(List(golden, "shape"))) << parameter.name;
    }
    EXPECT_EQ(layout_.count(),
              spec::CountParameters(golden_.model, golden_.vocab_size, golden_.labels).total);
  }

  void CheckLossAndGradients(double tolerance) {
    v1::TrainSpec train;
    spec::FillDefaults(train);
    const Recording recording = {model_, layout_, io_layout_, act_, CapacityOf(), fuse_};
    ASSERT_OK_AND_ASSIGN(const Program program, RecordAccumulate(recording, train));
    ASSERT_NO_FATAL_FAILURE(Run(program));
    if (!lacking_.empty()) return;
    const double loss =
        ReadNumbers(io_, io_layout_.OffsetOf("total"), 1)[0] / static_cast<double>(batch_.counted);
    const double expected_loss = Number(golden_.json, "loss");
    EXPECT_NEAR(loss, expected_loss, tolerance * expected_loss);

    for (const Value& value : List(golden_.json, "parameters")) {
      const Struct& golden = value.struct_value();
      const Parameter& parameter = *layout_.Find(golden.fields().at("name").string_value());
      const std::vector<double> gradient =
          ReadNumbers(gradients_, parameter.offset * Size(), parameter.elements());
      double squares = 0;
      for (double g : gradient) squares += g * g;
      const double norm = Number(golden, "gradient_norm");
      EXPECT_NEAR(std::sqrt(squares), norm, tolerance * norm) << parameter.name;
      const std::vector<double> first = Numbers(List(golden, "gradient"));
      for (size_t k = 0; k < first.size(); ++k) {
        EXPECT_NEAR(gradient[k], first[k], tolerance * norm) << parameter.name << "[" << k << "]";
      }
    }
  }

  // The first logits of every sequence's last row; of a classifier, of every sequence.
  void CheckLogits(double tolerance) {
    const Program program = RecordLogits();
    ASSERT_NO_FATAL_FAILURE(Run(program));
    if (!lacking_.empty()) return;
    const bool labels = TaskOf(golden_.model) == Task::kLabels;
    const int64_t width = labels ? golden_.labels : golden_.vocab_size;
    const auto& expected = List(golden_.json, "logits");
    for (int s = 0; s < expected.size(); ++s) {
      const int64_t row = labels ? s : batch_.last_rows[static_cast<size_t>(s)];
      const std::vector<double> first = Numbers(expected[s].list_value().values());
      const std::vector<double> logits =
          ReadNumbers(io_, io_layout_.OffsetOf("logits") + row * width * Size(),
                      static_cast<int64_t>(first.size()));
      for (size_t k = 0; k < first.size(); ++k) {
        EXPECT_NEAR(logits[k], first[k], tolerance) << "sequence " << s << " logit " << k;
      }
    }
  }

  Program RecordLogits() {
    const Capacity capacity = CapacityOf();
    Recorder r("logits", act_, capacity, layout_, io_layout_);
    const auto input = [&](const char* name) {
      return r.Io(name, Dtype::kI32, Shape::Column(Extent::kRows, capacity.rows));
    };
    ModelInputs inputs = {.tokens = input("tokens"), .positions = input("positions")};
    if (model_.has_segments()) inputs.segments = input("segments");
    inputs.offsets = r.Io("offsets", Dtype::kI32,
                          Shape::Column(Extent::kSequencesPlus1, capacity.sequences + 1));
    const Tensor hidden = model_.Hidden(r, inputs);
    Tensor logits;
    if (TaskOf(golden_.model) == Task::kLabels) {
      const Tensor rows =
          r.Io("rows", Dtype::kI32, Shape::Column(Extent::kSelected, capacity.selected));
      logits = model_.LabelLogits(r, hidden, inputs, rows, act_);
    } else {
      logits = model_.Logits(r, hidden, act_);
    }
    r.Return(logits, "logits");
    Program program = r.Take();
    if (fuse_) Fuse(program);
    DropUnreadOutputs(program);
    PlaceInArena(program);
    return program;
  }

  void Run(const Program& program) {
    Buffer arena;
    ASSERT_OK_AND_ASSIGN(arena, device_.Allocate(program.arena_bytes));
    ASSERT_OK_AND_ASSIGN(io_, device_.Allocate(io_layout_.size_bytes()));
    Buffers buffers{};
    buffers[static_cast<size_t>(Region::kArena)] = &arena;
    buffers[static_cast<size_t>(Region::kMaster)] = &weights_->master();
    buffers[static_cast<size_t>(Region::kGradient)] = &gradients_;
    buffers[static_cast<size_t>(Region::kIo)] = &io_;
    absl::StatusOr<Plan> plan = MakePlan(device_, program, buffers);
    if (absl::IsUnimplemented(plan.status())) lacking_ = StrCat(plan.status().message());
    if (!lacking_.empty()) return;
    ASSERT_OK(plan);
    for (const Slot& slot : program.slots) {
      if (slot.region == Region::kIo) Put(slot.name);
    }
    shoal_scalars scalars{};
    scalars.training = 1;
    scalars.rows = static_cast<int64_t>(batch_.tokens.size());
    scalars.sequences = batch_.sequences();
    scalars.longest = batch_.longest;
    scalars.selected = static_cast<int64_t>(batch_.rows.size());
    scalars.loss_scale = 1.0F / static_cast<float>(batch_.counted);
    ASSERT_OK(plan->Run(scalars));
  }

  // Writes the input of that name, if it is one.
  void Put(const std::string& name) {
    const std::pair<const char*, const std::vector<int32_t>*> inputs[] = {
        {"tokens", &batch_.tokens},   {"positions", &batch_.positions},
        {"targets", &batch_.targets}, {"segments", &batch_.segments},
        {"offsets", &batch_.offsets}, {"rows", &batch_.rows}};
    for (const auto& [input, values] : inputs) {
      if (name != input) continue;
      ASSERT_OK(io_.Write(io_layout_.OffsetOf(name), values->data(),
                          static_cast<int64_t>(values->size() * sizeof(int32_t))));
    }
  }

  Capacity CapacityOf() const {
    return {.rows = static_cast<int64_t>(batch_.tokens.size()),
            .sequences = batch_.sequences(),
            .selected = static_cast<int64_t>(batch_.rows.size())};
  }
  int64_t Size() const { return SizeOf(act_); }
  std::vector<double> ReadNumbers(const Buffer& buffer, int64_t offset, int64_t count) const {
    if (act_ == Dtype::kF64) {
      std::vector<double> values(static_cast<size_t>(count));
      EXPECT_OK(buffer.Read(offset, values.data(), count * 8));
      return values;
    }
    std::vector<float> values(static_cast<size_t>(count));
    EXPECT_OK(buffer.Read(offset, values.data(), count * 4));
    return {values.begin(), values.end()};
  }

  Device& device_;
  const Golden& golden_;
  const Dtype act_;
  const bool fuse_;
  Transformer model_;
  ParameterLayout layout_;
  Packed batch_;
  IoLayout io_layout_;
  std::shared_ptr<Weights> weights_;
  Buffer gradients_, io_;
  std::string lacking_;
};

class ModelFamiliesTest : public testing::TestWithParam<const char*> {
 protected:
  // Returns what the backend cannot do.
  std::string Check(const std::string& backend, Dtype act, bool fuse, double tolerance) {
    SCOPED_TRACE(StrCat(backend, fuse ? ", fused, " : ", unfused, ", DtypeName(act)));
    const auto device = Device::Open({.backend = backend});
    EXPECT_OK(device);
    if (!device.ok()) return "";
    Family family(**device, golden_, act, fuse);
    family.Check(tolerance);
    return family.lacking();
  }

  const Golden golden_ = Golden::Read(GetParam());
};

TEST_P(ModelFamiliesTest, ReferenceAgreesToTheLastDigits) {
  for (bool fuse : {false, true}) EXPECT_EQ(Check("reference", Dtype::kF64, fuse, 1e-6), "");
}

TEST_P(ModelFamiliesTest, EveryBackendAgrees) {
  std::string lacking;
  for (const v1::BackendInfo& backend : ProbeBackends()) {
    if (!backend.available() || backend.name() == "mock") continue;
    for (bool fuse : {false, true}) {
      const std::string missing = Check(backend.name(), Dtype::kF32, fuse, 1e-5);
      if (!missing.empty()) StrAppend(lacking, missing, "\n");
    }
  }
  if (!lacking.empty()) GTEST_SKIP() << lacking;
}

INSTANTIATE_TEST_SUITE_P(Families, ModelFamiliesTest,
                         testing::Values("gpt2", "guppy", "bert_mlm", "bert_cls", "bert_mean",
                                         "llama", "smollm3", "cohere2"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace shoal::engine
