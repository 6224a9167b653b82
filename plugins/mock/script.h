// The mock's script: what goes wrong and when, from the text in shoal_open_args.options.
//
// Words are separated by ';', spaces around them do not matter. N is a step as in scalars.step, and
// a fault with
// @N strikes the first training program (one with a gradient or an optimizer) that runs with that
// step.
//
//   step_ms=MS        each optimizer step takes MS milliseconds longer
//   nan@N             losses and gradient norms are NaN from step N on
//   error@N           run() answers INTERNAL
//   oom@N, oom@open   run() or open() answers RESOURCE_EXHAUSTED
//   unavailable       open() answers UNAVAILABLE
//   crash@N, segv@N   the process dies of abort() or of SIGSEGV
//   hang@N            run() never returns
//   refuse=OP         plan() answers UNIMPLEMENTED to a program with operation OP ("attention", any
//   case) once=FILE         the first fault to strike creates FILE; where FILE exists already, none
//   strikes. So the second
//                     attempt at a job succeeds. Does not apply to step_ms and refuse.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/abi/shoal_backend.h"

namespace shoal::mock {

struct Script {
  int64_t step_ms = 0;
  std::optional<uint64_t> nan, error, oom, crash, segv, hang;
  bool oom_at_open = false;
  bool unavailable = false;
  int32_t refuse = SHOAL_OP_INVALID;  // a kind
  std::string once;                   // a path
};

// INVALID_ARGUMENT names the first word that is not in the grammar above.
int32_t ParseScript(std::string_view text, Script* script, shoal_status* status);

// Decides, fault by fault, whether it strikes. Thread-compatible.
class Faults {
 public:
  explicit Faults(Script script) : script_(std::move(script)) {}

  const Script& script() const { return script_; }
  // True when a fault that is due may strike now; the first time, makes the mark of `once`.
  bool Strikes();

 private:
  const Script script_;
  std::optional<bool> allowed_;  // empty until the first fault is due
};

}  // namespace shoal::mock
