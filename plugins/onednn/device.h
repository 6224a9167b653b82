// An open device: its threads, its memory, and what its plans share.
#pragma once

#include <memory>
#include <vector>

#include "plugins/abi/shoal_backend.h"
#include "plugins/onednn/gemm.h"
#include "plugins/onednn/operation.h"
#include "plugins/onednn/team.h"
#include "plugins/onednn/workspace.h"
#include "plugins/support/host_memory.h"
#include "plugins/support/program.h"

// A program made ready: one Operation per op, in order. The operations point into the program's
// buffers.
struct shoal_plan {
  explicit shoal_plan(const shoal_program& source) : program(source) {}

  const shoal::plugins::Program program;
  std::vector<std::unique_ptr<shoal::onednn::Operation>> operations;
};

// Used by one host thread at a time.
struct shoal_device {
  explicit shoal_device(int threads) : team(threads) {}

  const shoal::onednn::Team team;
  shoal::plugins::HostMemory memory;
  shoal::onednn::Workspace workspace;
  shoal::onednn::Gemm gemm;
  std::vector<std::unique_ptr<shoal_plan>> plans;
};
