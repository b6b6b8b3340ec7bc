#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

struct usage usage_of(pid_t process) {
  struct usage usage = {.wall = (double)now_ns() / 1e9};
  if (process == 0) return usage;

  /* The total is exact; the kernel divides it into user and system by its ticks. */
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0)
    fail("cannot read the time of process %d", process);
  usage.total = (double)time.tv_sec + (double)time.tv_nsec / 1e9;

  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  FILE *file = fopen(path, "r");
  if (!file || !fgets(text, sizeof text, file)) fail("cannot read %s", path);
  fclose(file);
  char *rest = strrchr(text, ')');
  unsigned long user = 0, system = 0;
  if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    fail("cannot understand %s", path);
  double tick = (double)sysconf(_SC_CLK_TCK);
  usage.user = (double)user / tick;
  usage.system = (double)system / tick;

  snprintf(path, sizeof path, "/proc/%d/task", process);
  DIR *threads = opendir(path);
  for (struct dirent *thread; threads && (thread = readdir(threads));) {
    int number = atoi(thread->d_name);
    unsigned long long ran, waited;
    if (number == 0) continue;
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", process, number);
    if (!(file = fopen(path, "r"))) continue;
    if (fscanf(file, "%llu %llu", &ran, &waited) == 2) usage.waited += (double)waited / 1e9;
    fclose(file);
  }
  if (threads) closedir(threads);
  return usage;
}

void usage_print(const char *name, struct usage from, struct usage to) {
  printf("\"%s\": {\"wall_seconds\": %.6f, \"cpu_seconds\": %.6f, \"user_seconds\": %.2f, \"system_seconds\": %.2f, "
         "\"waited_seconds\": %.6f}",
         name, to.wall - from.wall, to.total - from.total, to.user - from.user, to.system - from.system,
         to.waited - from.waited);
}

int64_t resident_of(pid_t process) {
  if (process == 0) return 0;
  char path[64], line[256];
  long long kilobytes = -1;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", process);
  FILE *file = fopen(path, "r");
  if (!file) fail("cannot read %s", path);
  while (kilobytes < 0 && fgets(line, sizeof line, file)) sscanf(line, "Rss: %lld kB", &kilobytes);
  fclose(file);
  if (kilobytes < 0) fail("no Rss in %s", path);
  return kilobytes * 1024;
}
