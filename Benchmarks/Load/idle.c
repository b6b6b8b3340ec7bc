/* Connections that do nothing, then one request on each: what each costs in memory. */
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

void run_idle(void) {
  int *descriptors = calloc((size_t)options.connections, sizeof *descriptors);
  if (!descriptors) fail("no memory");
  int first;
  connect_all(&first, 1); /* What is made at the first client counts as the server's own. */
  ask_once(first);
  int64_t before = resident_of(options.server);
  connect_all(descriptors, options.connections);
  await_clients(first, options.connections + 1);
  int64_t idle = resident_of(options.server);
  for (int i = 0; i < options.connections; i++) ask_once(descriptors[i]);
  int64_t used = resident_of(options.server);
  printf("\"resident_bytes\": %lld, \"idle_bytes_per_connection\": %.1f, \"used_bytes_per_connection\": %.1f",
         (long long)before, (double)(idle - before) / options.connections,
         (double)(used - before) / options.connections);
}
