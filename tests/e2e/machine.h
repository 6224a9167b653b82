// Programs that stay, for labs of several machines played by one: a coordinator that listens,
// workers that join it or stand beside an embedded lab's own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/base/subprocess.h"
#include "tests/e2e/lab_driver.h"

namespace shoal::e2e {

// A `shoal` that stays, with a folder of its own and its output in a file. Stopped when it goes;
// after a failed test it prints its output. Thread-compatible.
class Machine {
 public:
  // `data_dir`: another machine's folder, to go on in; empty: its own.
  Machine(const std::string& name, const std::vector<std::string>& arguments,
          const std::string& data_dir = "");
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  std::string JoinFile() const { return dir_.File("lab.join"); }
  std::string Output() const;
  const std::string& dir() const { return dir_.path(); }

  void WaitFor(const std::string& text);  // in its output
  int WaitForExit();                      // the exit code
  // SIGTERM, as systemd would, and waits.
  void Stop();
  void Interrupt();  // SIGINT: a terminal's Ctrl-C
  // kill -9, and its runners with it: a machine that loses power.
  void LosePower();

 private:
  TempDir dir_;
  std::optional<Subprocess> process_;
};

// Leases last 2 s, so that a silent worker is noticed soon.
std::unique_ptr<Machine> StartCoordinator(const std::string& listen = "127.0.0.1:0");
// With one slot.
std::unique_ptr<Machine> StartWorker(const Machine& coordinator, const std::string& name);
// A second worker of an embedded lab, with one slot.
std::unique_ptr<Machine> StartWorkerBeside(const LabDriver& lab, const std::string& name);

// HOST:PORT of a coordinator, as its join file says.
std::string AddressOf(const Machine& coordinator);

}  // namespace shoal::e2e
