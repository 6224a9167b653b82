// How much a coordinator takes, over gRPC, every answer durable: points and submissions a second,
// and the latency of a small report. Not a gate: `coordinator_bench [seconds]` prints one line
// each.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/check.h"
#include "core/base/strings.h"
#include "tests/integration/test_cluster.h"

namespace shoal {
namespace {

// `writers` attempts, each sending reports of 10 series with `points` points.
void Points(double seconds, int writers, int points) {
  TestCluster cluster;
  cluster.options().lease = absl::Minutes(5);
  SHOAL_CHECK(cluster.Start().ok());
  std::atomic<int64_t> total = 0;
  std::vector<double> latencies;
  std::mutex mutex;
  const absl::Time end = absl::Now() + absl::Seconds(seconds);
  std::vector<std::jthread> threads;
  for (int w = 0; w < writers; ++w) {
    threads.emplace_back([&, w] {
      const std::string tag = StrCat("points", writers, "-", points, "-", w);
      ScriptedWorker worker(cluster, tag, "i");
      SHOAL_CHECK(worker.Register().ok());
      SHOAL_CHECK(cluster.Submit(tag).ok());
      const v1::Assignment assignment = worker.WaitForAssignment().value();
      SHOAL_CHECK(worker.Report(assignment.key(), {StartedItem(0)}).ok());
      std::vector<double> mine;
      for (int64_t step = 1; absl::Now() < end; step += points) {
        std::vector<v1::ReportItem> items;
        for (int s = 0; s < 10; ++s)
          items.push_back(PointsItem(StrCat("series/", s), step, points));
        const absl::Time start = absl::Now();
        SHOAL_CHECK(worker.Report(assignment.key(), items).ok());
        mine.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
        total += 10 * points;
      }
      SHOAL_CHECK(
          worker.Report(assignment.key(), {FinishedItem(v1::ATTEMPT_STATE_SUCCEEDED, 1)}).ok());
      std::lock_guard<std::mutex> lock(mutex);
      latencies.insert(latencies.end(), mine.begin(), mine.end());
    });
  }
  threads.clear();
  std::sort(latencies.begin(), latencies.end());
  std::printf(
      "points: %d attempts, 10 series x %d a report: %.0f points/s, %.0f reports/s, median %.1f "
      "ms, p99 %.1f ms\n",
      writers, points, static_cast<double>(total) / seconds,
      static_cast<double>(latencies.size()) / seconds, latencies[latencies.size() / 2],
      latencies[latencies.size() * 99 / 100]);
}

void Submits(double seconds, int clients) {
  TestCluster cluster;
  SHOAL_CHECK(cluster.Start().ok());
  const v1::SubmitRunRequest base = cluster.NewRequest(StrCat("submit", clients)).value();
  std::atomic<int64_t> total = 0;
  const absl::Time end = absl::Now() + absl::Seconds(seconds);
  std::vector<std::jthread> threads;
  for (int c = 0; c < clients; ++c) {
    threads.emplace_back([&, c] {
      auto lab = v1::LabService::NewStub(cluster.NewChannel());
      for (int i = 0; absl::Now() < end; ++i) {
        v1::SubmitRunRequest request = base;
        request.set_request_id(StrCat("s ", clients, " ", c, " ", i));
        v1::SubmitRunResponse response;
        SHOAL_CHECK(lab->SubmitRun(NewContext().get(), request, &response).ok());
        ++total;
      }
    });
  }
  threads.clear();
  std::printf("submits: %d clients: %.0f submits/s\n", clients,
              static_cast<double>(total) / seconds);
}

}  // namespace
}  // namespace shoal

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  shoal::Points(seconds, 1, 1);
  shoal::Points(seconds, 8, 1);
  shoal::Points(seconds, 4, 100);
  shoal::Points(seconds, 4, 1000);
  shoal::Submits(seconds, 1);
  shoal::Submits(seconds, 32);
  return 0;
}
