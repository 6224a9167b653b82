// A lab of its own for one test, driven as a person or a script drives it: by the built `shoal`,
// its arguments, its output and its exit codes.
//
//   LabDriver lab;
//   const v1::Run run = lab.Launch({"--follow", "--set", "train.steps=40"});
//   EXPECT_EQ(lab.Shoal({"list"}).exit.code, 0);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/file.h"
#include "core/base/subprocess.h"
#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"
#include "shoal/v1/run.pb.h"

namespace shoal::e2e {

// `--set`s that make `tiny` a model of some ten thousand parameters that learns in a second.
std::vector<std::string> TinySettings();
// {"--set", "a=1", "--set", "b=2"} of {"a=1", "b=2"}.
std::vector<std::string> Sets(const std::vector<std::string>& settings);

// Failures of what a member expects are failures of the test; they are told with the command and
// its output. Thread-compatible.
class LabDriver {
 public:
  LabDriver();
  // Runs `shoal down`, and expects that none of the lab's processes is left; kills those that are.
  // After a failed test prints the end of the lab's logs.
  ~LabDriver();

  const std::string& data_dir() const { return dir_.path(); }

  // Runs `shoal ARGUMENTS` to its end, with `input` on its stdin.
  CapturedRun Shoal(std::vector<std::string> arguments, std::string_view input = "");
  // As Shoal, with --json; expects the exit code and one line that is a JSON object with schema 1.
  google::protobuf::Struct Json(std::vector<std::string> arguments, int expected_code = 0);

  // `shoal launch tiny` with the settings of TinySettings and `arguments`.
  v1::Run Launch(const std::vector<std::string>& arguments, int expected_code = 0);
  // `shoal show`.
  v1::RunDetail Show(const std::string& run);
  // `shoal plot`: the points of a curve.
  std::vector<v1::MetricPoint> Curve(const std::string& run, const std::string& metric);
  // Asks until the run has reported `step`; expects that it still runs then.
  void WaitForStep(const std::string& run, int64_t step);
  // `shoal wait`, expecting success.
  void WaitForSuccess(const std::string& run);

  // Of the lab's processes; 0 when there is none.
  pid_t UpPid() const;
  pid_t WorkerPid() const;
  // The runner that trains: the worker's child that has worked most (a spare one waits beside it).
  pid_t BusiestRunnerPid() const;

 private:
  std::string LogTails() const;

  TempDir dir_;
  int inputs_ = 0;
};

// A member of a reply, as a message. Expects that it is there and valid.
void ReadMember(const google::protobuf::Struct& reply, const std::string& member,
                google::protobuf::Message* message);
template <typename Message>
Message Member(const google::protobuf::Struct& reply, const std::string& member) {
  Message message;
  ReadMember(reply, member, &message);
  return message;
}
// A member that is a list of messages, such as `runs`.
template <typename Message>
std::vector<Message> Members(const google::protobuf::Struct& reply, const std::string& member) {
  std::vector<Message> messages;
  const auto list = reply.fields().find(member);
  EXPECT_TRUE(list != reply.fields().end()) << "no '" << member << "'";
  if (list == reply.fields().end()) return messages;
  for (const auto& value : list->second.list_value().values()) {
    google::protobuf::Struct one;
    (*one.mutable_fields())[member] = value;
    messages.push_back(Member<Message>(one, member));
  }
  return messages;
}

}  // namespace shoal::e2e
