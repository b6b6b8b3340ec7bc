/* From nothing to the first answer: starts the server, again and again, and asks it as soon as it
 * says where it listens. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

static pid_t start_server(int *errors) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe: %s", strerror(errno));
  pid_t process = fork();
  if (process < 0) fail("fork: %s", strerror(errno));
  if (process == 0) {
    if (options.core >= 0) {
      cpu_set_t cores;
      CPU_ZERO(&cores);
      CPU_SET(options.core, &cores);
      sched_setaffinity(0, sizeof cores, &cores);
    }
    dup2(ends[1], STDERR_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    execv(options.command[0], options.command);
    _exit(127);
  }
  close(ends[1]);
  *errors = ends[0];
  return process;
}

/* Reads what the server writes until it says its port. */
static int port_of(int errors) {
  char text[4096];
  size_t size = 0;
  for (;;) {
    await_readable(errors, patience);
    ssize_t count = read(errors, text + size, sizeof text - 1 - size);
    if (count <= 0) fail("the server ended: %.*s", (int)size, text);
    size += (size_t)count;
    text[size] = 0;
    char *line = strstr(text, "listening address="), *port = line ? strstr(line, " port=") : NULL;
    if (port && strchr(port, '\n')) return atoi(port + strlen(" port="));
  }
}

void run_start(void) {
  struct histogram *time = malloc(sizeof *time);
  if (!time || !options.command) fail("no server");
  histogram_clear(time);
  int64_t resident = 0;
  for (int64_t i = 0; i < options.requests; i++) {
    int errors, connection;
    int64_t start = now_ns();
    pid_t process = start_server(&errors);
    options.port = port_of(errors);
    connection = connect_one(0);
    ask_once(connection);
    histogram_add(time, now_ns() - start);
    resident = resident_of(process);
    close(connection);
    kill(process, SIGTERM);
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
    close(errors);
  }
  histogram_print("first_answer_us", time);
  printf(", \"resident_bytes\": %lld", (long long)resident);
}
