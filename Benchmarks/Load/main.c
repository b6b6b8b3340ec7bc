/* load MODE [--OPTION VALUE]…: loads a server of the task and prints what it saw as one JSON object.
 *
 *   fast     fast requests over connections that stay: --connections --depth, --seconds after
 *            --warm-up, or --requests in all
 *   churn    connect, one request, close: the same, without --depth
 *   idle     --connections that do nothing, then ask once
 *   burst    --sleepers requests over --connections, due at one moment, sent in --batches
 *   spread   --sleepers requests over --connections, --sleep seconds each, at --rate a second
 *   one      a single request of --sleep seconds
 *   start    -- PROGRAM [ARGUMENT]…: a server is started --requests times, on --core, and asked once
 *
 * Every answer is checked; a wrong one ends the program with 1. --server PID says whose CPU time and
 * memory to read, --sources N to connect from so many loopback addresses,
 * --any-time 1 that the server's clock is not ours, --echo N that the server is an echo server, for fast
 * and idle, and is asked with N bytes. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "load.h"

struct options options = {
    .connections = 64, .depth = 1, .warm_up = 0.2, .sleepers = 100000, .sleep = 5, .batches = 5, .rate = 25000,
    .core = -1};

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static const struct {
  const char *name;
  void (*run)(void);
} modes[] = {{"fast", run_fast},   {"churn", run_churn},   {"idle", run_idle},
             {"burst", run_burst}, {"spread", run_spread}, {"one", run_one},
             {"start", run_start}};

static double number_of(const char *name, const char *text) {
  char *end;
  double value = text ? strtod(text, &end) : -1;
  if (!text || *end || end == text || !(value >= 0 && value <= 1e15)) fail("%s needs a number", name);
  return value;
}

int main(int argc, char **argv) {
  void (*run)(void) = NULL;
  for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++)
    if (!strcmp(argv[1], modes[i].name)) run = modes[i].run;
  if (!run) fail("which mode? fast, churn, idle, burst, spread, one or start");
  for (int i = 2; i < argc; i += 2) {
    if (!strcmp(argv[i], "--")) {
      options.command = argv + i + 1;
      break;
    }
    double value = number_of(argv[i], argv[i + 1]);
    if (!strcmp(argv[i], "--port")) options.port = (int)value;
    else if (!strcmp(argv[i], "--connections")) options.connections = (int)value;
    else if (!strcmp(argv[i], "--depth")) options.depth = (int)value;
    else if (!strcmp(argv[i], "--seconds")) options.seconds = value;
    else if (!strcmp(argv[i], "--warm-up")) options.warm_up = value;
    else if (!strcmp(argv[i], "--requests")) options.requests = (int64_t)value;
    else if (!strcmp(argv[i], "--sources")) options.sources = (int)value;
    else if (!strcmp(argv[i], "--server")) options.server = (pid_t)value;
    else if (!strcmp(argv[i], "--sleepers")) options.sleepers = (int64_t)value;
    else if (!strcmp(argv[i], "--sleep")) options.sleep = (int)value;
    else if (!strcmp(argv[i], "--batches")) options.batches = (int)value;
    else if (!strcmp(argv[i], "--rate")) options.rate = value;
    else if (!strcmp(argv[i], "--any-time")) options.any_time = value != 0;
    else if (!strcmp(argv[i], "--echo")) use_echo(options.echo = (int)value);
    else if (!strcmp(argv[i], "--core")) options.core = (int)value;
    else fail("unknown option %s", argv[i]);
  }
  if (!options.command && (options.port < 1 || options.port > 65535)) fail("--port: 1 to 65535");
  if (options.connections < 1 || options.depth < 1 || options.batches < 1) fail("too few");
  if (options.connections > prepare_descriptors()) fail("more connections than descriptors");
  if (options.command && options.command[0] == NULL) fail("which server? -- PROGRAM [ARGUMENT]...");
  if (options.command && options.requests == 0) options.requests = 1;
  if (options.seconds == 0 && options.requests == 0) options.seconds = 1;
  /* Waiting with a timeout is as exact as it can be. */
  prctl(PR_SET_TIMERSLACK, 1UL);

  printf("{\"mode\": \"%s\", \"connections\": %d, \"depth\": %d, ", argv[1], options.connections, options.depth);
  run();
  printf("}\n");
  return 0;
}
