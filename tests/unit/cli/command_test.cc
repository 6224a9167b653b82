#include "cli/commands/command.h"

#include <algorithm>
#include <clocale>
#include <limits>
#include <set>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "shoal/v1/run.pb.h"

namespace shoal::cli {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::HasSubstr;

std::string Printed(const JsonReply& reply) {
  testing::internal::CaptureStdout();
  reply.Print();
  return testing::internal::GetCapturedStdout();
}

Struct Parsed(const std::string& json) {
  Struct parsed;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &parsed);
  EXPECT_TRUE(status.ok()) << status << "\n" << json;
  return parsed;
}

// "run.name", "run.metrics.loss.last", ...: every member there is.
std::set<std::string> MemberNames(const Struct& object, const std::string& above = "") {
  std::set<std::string> names;
  for (const auto& [name, value] : object.fields()) {
    names.insert(above + name);
    if (value.has_struct_value())
      names.merge(MemberNames(value.struct_value(), above + name + "."));
  }
  return names;
}

TEST(ExitCodeOf, EveryStatusHasTheCodeOfWhoMustAct) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::OutOfRangeError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 4);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), 4);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), 4);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), 4);
  EXPECT_EQ(ExitCodeOf(absl::FailedPreconditionError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::AlreadyExistsError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::AbortedError("")), 5);
}

TEST(JsonReply, IsOneLineOfValidJson) {
  v1::Run run;
  run.set_run_id("r1");
  run.set_name("tiny");
  run.set_total_steps(40);
  const std::string text = Printed(JsonReply()
                                       .Add("run", run)
                                       .AddList("runs", std::vector{run, run})
                                       .AddList("none", std::vector<v1::Run>())
                                       .AddText("text", "a\"b\\c\n\t\x01 🦦")
                                       .AddNumber("count", 3)
                                       .AddRaw("flag", "true"));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const Struct json = Parsed(text);
  EXPECT_EQ(json.fields().at("schema").number_value(), 1);
  const Struct& shown = json.fields().at("run").struct_value();
  EXPECT_EQ(shown.fields().at("name").string_value(), "tiny");
  EXPECT_EQ(shown.fields().at("status").string_value(), "RUN_STATUS_UNSPECIFIED");  // always there
  EXPECT_EQ(shown.fields().at("total_steps").number_value(), 40);
  EXPECT_EQ(json.fields().at("runs").list_value().values_size(), 2);
  EXPECT_EQ(json.fields().at("none").list_value().values_size(), 0);
  EXPECT_EQ(json.fields().at("text").string_value(), "a\"b\\c\n\t\x01 🦦");
  EXPECT_EQ(json.fields().at("count").number_value(), 3);
  EXPECT_TRUE(json.fields().at("flag").bool_value());
}

TEST(JsonReply, IntegersAreNumbersWhereADoubleHoldsThem) {
  v1::Run run;
  run.set_step((int64_t{1} << 53));
  run.set_total_steps((int64_t{1} << 53) + 1);
  run.set_memory_bytes(-(int64_t{1} << 53));
  run.set_peak_memory_bytes(std::numeric_limits<int64_t>::min());
  EXPECT_THAT(JsonReply::ToJson(run),
              AllOf(HasSubstr("\"step\":9007199254740992,"),
                    HasSubstr("\"total_steps\":\"9007199254740993\""),
                    HasSubstr("\"memory_bytes\":-9007199254740992"),
                    HasSubstr("\"peak_memory_bytes\":\"-9223372036854775808\"")));
}

TEST(JsonReply, IsWhatProtobufReadsAndWritesButForIntegers) {
  v1::RunDetail detail;
  v1::Run& run = *detail.mutable_run();
  run.set_name("a\"b <é> \x01");
  run.set_parameters(123456789012345);
  run.set_status(v1::RUN_STATUS_FAILED);
  run.add_tags("x");
  run.mutable_created_at()->set_seconds(1767225600);
  run.mutable_created_at()->set_nanos(500000000);
  (*run.mutable_metrics())["loss"].set_last(std::numeric_limits<double>::quiet_NaN());
  (*run.mutable_metrics())["b"].set_last(-1e-300);
  detail.mutable_spec()->mutable_model()->set_n_layers(0);  // given, though it is 0
  detail.mutable_spec()->mutable_train()->mutable_optimizer()->set_lr(0.1);
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string theirs;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(detail, &theirs, options).ok());
  const std::string ours = JsonReply::ToJson(detail);
  v1::RunDetail back;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ours, &back).ok()) << ours;
  EXPECT_EQ(back.ShortDebugString(), detail.ShortDebugString());
  // The same members, those left unset included: theirs with numbers for integers.
  EXPECT_EQ(MemberNames(Parsed(ours)), MemberNames(Parsed(theirs)));
}

TEST(JsonReply, MapsComeInTheOrderOfTheirKeys) {
  v1::Run run;
  for (const char* name : {"train/loss", "a", "held_out/loss", "z", "train/lr"}) {
    (*run.mutable_metrics())[name].set_count(1);
  }
  const std::string json = JsonReply::ToJson(run);
  size_t before = 0;
  for (const char* name : {"a", "held_out/loss", "train/loss", "train/lr", "z"}) {
    const size_t at = json.find(StrCat("\"", name, "\":{"));
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(at, before) << json;
    before = at;
  }
}

TEST(JsonReply, NumbersComeBackBitForBit) {
  const std::vector<double> numbers = {0.1, 1.0 / 3, 6.02214076e23, -2.2250738585072014e-308};
  for (const double number : numbers) {
    EXPECT_EQ(Parsed(Printed(JsonReply().AddNumber("n", number))).fields().at("n").number_value(),
              number);
  }
}

TEST(JsonReply, NumbersThatAreNotFiniteAreNull) {
  for (const double number :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(Printed(JsonReply().AddNumber("n", number)), "{\"schema\":1,\"n\":null}\n");
  }
}

TEST(JsonReply, TextThatIsNotUtf8IsStillValidJson) {
  EXPECT_EQ(JsonReply::Quote("a\xff"
                             "b"),
            "\"a\uFFFDb\"");
  EXPECT_EQ(JsonReply::Quote("cut \xe2\x82"), "\"cut \uFFFD\"");
  EXPECT_EQ(JsonReply::Quote("\xed\xa0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");  // half a surrogate pair
  EXPECT_EQ(JsonReply::Quote("\xc0\xaf"), "\"\uFFFD\uFFFD\"");            // written too long
  EXPECT_EQ(JsonReply::Quote("naïve 🦦 日本"), "\"naïve 🦦 日本\"");
}

class CommandTest : public testing::Test {
 protected:
  // Runs `shoal try ...`, whose action ends as told.
  int Run(std::vector<std::string> arguments, const absl::Status& end) {
    CLI::App app("", "shoal");
    AddCommand(app, globals_, {"try", "Tries", {"shoal try --json"}}, [end] { return end; });
    arguments.insert(arguments.begin(), "try");
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    app.parse(arguments);
    const int exit_code = RunAction(globals_);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return exit_code;
  }

  Globals globals_;
  std::string out_, err_;
};

TEST_F(CommandTest, ThatEndsWellIsQuiet) {
  EXPECT_EQ(Run({}, absl::OkStatus()), 0);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "");
}

TEST_F(CommandTest, ErrorsGoToStderrAndDecideTheCode) {
  EXPECT_EQ(Run({}, absl::NotFoundError("no run 'x'\n\x1b[31mred")), 2);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "shoal: no run 'x'\n\\x1b[31mred\n");
}

TEST_F(CommandTest, WithJsonErrorsAreJsonToo) {
  EXPECT_EQ(Run({"--json"}, absl::UnavailableError("the \"lab\" is away")), 4);
  const Struct error = Parsed(out_).fields().at("error").struct_value();
  EXPECT_EQ(error.fields().at("code").string_value(), "UNAVAILABLE");
  EXPECT_EQ(error.fields().at("message").string_value(), "the \"lab\" is away");
  EXPECT_THAT(err_, testing::HasSubstr("the \"lab\" is away"));
}

TEST_F(CommandTest, WithJsonTheLabIsStartedQuietly) {
  EXPECT_FALSE(globals_.lab.quiet);
  Run({"--json"}, absl::OkStatus());
  EXPECT_TRUE(globals_.lab.quiet);
}

TEST_F(CommandTest, OnlyTheInnermostCommandActs) {
  CLI::App app("", "shoal");
  CLI::App* outer =
      AddCommand(app, globals_, {"outer", "", {}}, [] { return absl::InternalError("outer"); });
  AddCommand(*outer, globals_, {"inner", "", {}}, [] { return absl::InternalError("inner"); });
  CLI::App* folder = AddCommand(app, globals_, {"folder", "", {}}, nullptr);
  AddCommand(*folder, globals_, {"inside", "", {}}, [] { return absl::InternalError("inside"); });
  const auto says = [&](const std::string& line) {
    app.parse(line);
    return std::string(globals_.action().message());
  };
  EXPECT_EQ(says("outer"), "outer");
  EXPECT_EQ(says("outer inner"), "inner");
  EXPECT_EQ(says("folder inside"), "inside");
  EXPECT_THROW(app.parse("folder"), CLI::RequiredError);
}

class UsageErrorTest : public testing::Test {
 protected:
  // What is said about `shoal ARGUMENTS`, of which there are the commands generate and list.
  std::string Of(std::vector<std::string> arguments) {
    CLI::App app("", "shoal");
    app.require_subcommand(1);
    app.fallthrough();
    double temperature = 0;
    AddCommand(app, globals_, {"generate", "", {}}, [] { return absl::OkStatus(); })
        ->add_option("--temperature", temperature)
        ->check(CLI::Range(0.0, 10.0));
    AddCommand(app, globals_, {"list", "", {}}, [] { return absl::OkStatus(); });
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& error) {
      const absl::Status status = UsageError(app, error);
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      return std::string(status.message());
    }
    return "";
  }

  Globals globals_;
};

TEST_F(UsageErrorTest, NamesWhatWasWrong) {
  EXPECT_THAT(Of({"generate", "--temperature", "99", "--json"}),
              AllOf(HasSubstr("--temperature"), HasSubstr("99"), HasSubstr("generate --help")));
  EXPECT_THAT(Of({"list", "--jsom"}), HasSubstr("--jsom"));
  EXPECT_THAT(Of({"--jsom"}), HasSubstr("no command is given"));
  EXPECT_THAT(Of({}), HasSubstr("no command is given"));
}

TEST_F(UsageErrorTest, AnUnknownCommandGetsTheNearest) {
  EXPECT_EQ(Of({"--json", "lst"}), "no command is called 'lst'; did you mean `shoal list`?");
  EXPECT_EQ(Of({"bogus", "x", "--y"}), "no command is called 'bogus'; `shoal --help` lists them");
}

TEST_F(CommandTest, HelpShowsExamplesAndNotes) {
  CLI::App app("", "shoal");
  CLI::App* command = AddCommand(
      app, globals_, {"try", "Tries", {"shoal try --json", "shoal try  # again"}, "Notes."},
      [] { return absl::OkStatus(); });
  EXPECT_THAT(command->help(),
              testing::HasSubstr("Examples:\n  shoal try --json\n  shoal try  # again\n\nNotes."));
}

}  // namespace
}  // namespace shoal::cli
