// shoal dataset mix, shoal dataset generate: data sets made of others, or of a persona.

#include <cmath>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "cli/commands/dataset.h"
#include "cli/lab/datasets.h"
#include "cli/lab/shipped.h"
#include "cli/output/dataset_text.h"
#include "cli/output/format.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/data/dataset/dataset_mix.h"
#include "core/data/persona/persona.h"

namespace shoal::cli {
namespace {

void PrintMade(const Globals& globals, const StoredDataset& stored,
               const std::vector<std::string>& lines) {
  const v1::Dataset& set = stored.dataset;
  const std::string name = Printable(set.name(), false);
  if (globals.quiet) {
    std::printf("%s\n", set.dataset_id().c_str());
    return;
  }
  std::printf("%s  (%s, %s)%s\n  %s\n", Styled(globals.terminal, Style::kBold, name).c_str(),
              set.kind().c_str(), set.dataset_id().substr(0, 12).c_str(),
              stored.unchanged ? ", which was there already with the same content" : "",
              PartsLine(set).c_str());
  for (const std::string& line : lines) std::printf("%s\n", Printable(line, true).c_str());
  std::printf("`shoal dataset show %s` shows it; --set data.dataset=%s trains on it\n",
              name.c_str(), name.c_str());
}

absl::Status Report(const Globals& globals, const StoredDataset& stored,
                    const std::vector<std::string>& lines) {
  if (globals.json) {
    JsonReply()
        .Add("dataset", stored.dataset)
        .AddRaw("unchanged", stored.unchanged ? "true" : "false")
        .Print();
  } else {
    PrintMade(globals, stored, lines);
  }
  return absl::OkStatus();
}

// --- mix

struct MixCommand {
  std::string name;
  std::vector<std::string> parts;
  int64_t examples = 0;
  uint64_t seed = 1;
};

// "a=0.7" with its files here.
absl::StatusOr<data::MixPart> FetchPart(Lab& lab, const std::string& text, v1::Dataset& dataset) {
  data::MixPart part;
  const size_t equals = text.rfind('=');
  part.name = text.substr(0, equals);
  if (equals == std::string::npos || !absl::SimpleAtod(text.substr(equals + 1), &part.weight)) {
    return absl::InvalidArgumentError(
        StrCat("--of: '", text, "' must be NAME=SHARE, e.g. --of chats=0.7"));
  }
  SHOAL_ASSIGN_OR_RETURN(const LocalDataset local, FetchDataset(lab, part.name));
  if (local.dataset.kind() == "document") {
    return absl::InvalidArgumentError(
        StrCat("--of: ", part.name,
               " is one document, which has no examples to mix; import its "
               "text with --format lines"));
  }
  part.train_path = local.train_path;
  part.held_out_path = local.held_out_path;
  dataset = local.dataset;
  return part;
}

std::vector<std::string> MixLines(const std::vector<data::MixPart>& parts,
                                  const data::MixResult& mixed) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < parts.size(); ++i) {
    const data::MixTaken& taken = mixed.taken[i];
    std::string line = StrCat("  ", parts[i].name, ": ", WithCommas(taken.train), " of ",
                              WithCommas(taken.available), " to train on, ",
                              WithCommas(taken.held_out), " held out");
    if (taken.train > taken.available) {
      StrAppend(line, "; each example ",
                Fixed(static_cast<double>(taken.train) / static_cast<double>(taken.available), 2),
                " times on average");
    }
    if (taken.left_out > 0) {
      StrAppend(line, "; ", WithCommas(taken.left_out),
                " left out of training, because a part holds them out");
    }
    lines.push_back(std::move(line));
  }
  if (mixed.data.held_out.examples == 0) {
    lines.emplace_back("note: nothing is held out, because not every part has a held-out side");
  }
  for (const std::string& note : mixed.data.notes) lines.push_back(StrCat("note: ", note));
  return lines;
}

absl::Status Mix(const Globals& globals, const MixCommand& command) {
  SHOAL_RETURN_IF_ERROR(CheckDatasetName(command.name));
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  std::vector<data::MixPart> parts;
  std::vector<v1::Dataset> datasets(command.parts.size());
  double weights = 0;
  for (size_t i = 0; i < command.parts.size(); ++i) {
    SHOAL_ASSIGN_OR_RETURN(parts.emplace_back(), FetchPart(lab, command.parts[i], datasets[i]));
    weights += parts.back().weight;
  }
  SHOAL_ASSIGN_OR_RETURN(const TempDir folder, MakeDatasetFolder(globals.lab.data_dir));
  SHOAL_ASSIGN_OR_RETURN(const data::MixResult mixed,
                         data::MixDatasets(parts, command.examples, command.seed, folder.path()));
  v1::Dataset dataset;
  dataset.set_name(command.name);
  std::string source = "mixture of ";
  for (size_t i = 0; i < parts.size(); ++i) {
    StrAppend(source, i > 0 ? ", " : "", Fixed(100 * parts[i].weight / weights, 1), " % ",
              parts[i].name);
    v1::MixturePart* part = dataset.add_mixture();
    part->set_dataset(datasets[i].name());
    part->set_dataset_id(datasets[i].dataset_id());
    part->set_weight(parts[i].weight / weights);
    part->set_train_examples(mixed.taken[i].train);
  }
  dataset.set_source(source.substr(0, 4000));
  *dataset.mutable_report() = ReportOf(mixed.data);
  SHOAL_ASSIGN_OR_RETURN(const StoredDataset stored,
                         StoreDataset(lab, std::move(dataset), mixed.data, globals.command_line));
  return Report(globals, stored, MixLines(parts, mixed));
}

// --- generate

struct GenerateCommand {
  std::string persona;
  std::string name;
  int64_t conversations = 60000;
  uint64_t seed = 1;
  double held_out = 0.05;
};

absl::Status GenerateNow(const Globals& globals, const GenerateCommand& command) {
  SHOAL_RETURN_IF_ERROR(CheckDatasetName(command.name));
  SHOAL_ASSIGN_OR_RETURN(const std::string path, FindPersona(command.persona));
  SHOAL_ASSIGN_OR_RETURN(const data::Persona persona, data::Persona::Load(path));
  SHOAL_ASSIGN_OR_RETURN(
      const data::PersonaData generated,
      data::GeneratePersona(persona, command.conversations, command.seed, command.held_out));
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const TempDir folder, MakeDatasetFolder(globals.lab.data_dir));
  SHOAL_ASSIGN_OR_RETURN(const auto builder, data::DatasetBuilder::Create(folder.path()));
  data::Record record;
  record.kind = data::Record::Kind::kConversation;
  for (const data::Side side : {data::Side::kTrain, data::Side::kHeldOut}) {
    const auto& list = side == data::Side::kTrain ? generated.train : generated.held_out;
    for (const data::Conversation& conversation : list) {
      record.conversation = conversation;
      SHOAL_RETURN_IF_ERROR(builder->Add(record, side));
    }
  }
  SHOAL_ASSIGN_OR_RETURN(const data::BuiltDataset built, builder->Finish(0));
  v1::Dataset dataset;
  dataset.set_name(command.name);
  dataset.set_source(StrCat("persona ", persona.name(), ", ", command.conversations,
                            " conversations, seed ", command.seed));
  *dataset.mutable_report() = ReportOf(built);
  SHOAL_ASSIGN_OR_RETURN(const StoredDataset stored,
                         StoreDataset(lab, std::move(dataset), built, globals.command_line));
  std::vector<std::string> lines;
  for (const std::string& note : built.notes) lines.push_back(StrCat("note: ", note));
  return Report(globals, stored, lines);
}

}  // namespace

void AddDatasetMix(CLI::App& dataset, Globals& globals) {
  const auto options = std::make_shared<MixCommand>();
  CLI::App* command =
      AddCommand(dataset, globals,
                 {"mix",
                  "Make a data set of others, in given shares of examples",
                  {"shoal dataset mix chats --of guppy=0.7 --of mila=0.3",
                   "shoal dataset mix small --of guppy=1 --of news=1 --examples 10000 --json"},
                  "Without --examples it is as large as can be without repeating any; a part too "
                  "short for its share is repeated in rounds."},
                 [&globals, options] { return Mix(globals, *options); });
  command->add_option("name", options->name, "What the mixture is called")->required();
  command
      ->add_option("--of", options->parts, "NAME=SHARE: a data set and its share of the examples")
      ->required()
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--examples", options->examples, "Training examples of the mixture")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000000}));
  command->add_option("--seed", options->seed, "Another seed takes other examples")
      ->capture_default_str();
}

void AddDatasetGenerate(CLI::App& dataset, Globals& globals) {
  const auto options = std::make_shared<GenerateCommand>();
  CLI::App* command = AddCommand(
      dataset, globals,
      {"generate",
       "Make a data set of a persona's conversations",
       {"shoal dataset generate pebble --name pebble",
        "shoal dataset generate my-fish.yaml --conversations 20000 --seed 2 --name fish2"}},
      [&globals, options] { return GenerateNow(globals, *options); });
  command
      ->add_option("persona", options->persona, "A persona that ships with shoal, or a YAML file")
      ->required();
  command->add_option("--name", options->name, "What the data set is called")->required();
  command->add_option("--conversations", options->conversations, "How many, held-out ones included")
      ->check(CLI::Range(int64_t{10}, int64_t{100000000}))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of the generator")->capture_default_str();
  command->add_option("--held-out", options->held_out, "Share of conversations to hold out")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
}

}  // namespace shoal::cli
