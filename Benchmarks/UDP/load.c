/* udp-load PORT SOCKETS WINDOW BYTES MILLISECONDS: keeps WINDOW datagrams under way on each of its
 * sockets, and prints how many came back. One that does not come back within 100 ms is lost. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum { most_sockets = 1024, patience = 100 };

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "usage: udp-load PORT SOCKETS WINDOW BYTES MILLISECONDS\n"), 64;
  int sockets = atoi(argv[2]), window = atoi(argv[3]), bytes = atoi(argv[4]);
  if (sockets < 1 || sockets > most_sockets || bytes < 1 || bytes > 65507) return 64;
  static int fds[most_sockets];
  static int64_t heard[most_sockets];
  static char payload[65536];
  struct sockaddr_in server = {
      .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int loop = epoll_create1(EPOLL_CLOEXEC);
  int64_t end = now() + atoi(argv[5]);
  for (int n = 0; n < sockets; n++) {
    fds[n] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = n};
    if (connect(fds[n], (struct sockaddr *)&server, sizeof server) != 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, fds[n], &event) != 0)
      return perror("connect"), 1;
    heard[n] = now();
    for (int k = 0; k < window; k++) send(fds[n], payload, bytes, 0);
  }
  long count = 0, lost = 0;
  int64_t time;
  while ((time = now()) < end) {
    struct epoll_event events[64];
    int ready = epoll_wait(loop, events, 64, 20);
    for (int k = 0; k < ready; k++) {
      int n = events[k].data.u32;
      char buffer[65536];
      while (recv(fds[n], buffer, sizeof buffer, 0) == bytes) {
        count++;
        heard[n] = time;
        send(fds[n], payload, bytes, 0);
      }
    }
    for (int n = 0; n < sockets; n++) {
      if (time - heard[n] < patience) continue;
      heard[n] = time;
      for (int k = 0; k < window; k++, lost++) send(fds[n], payload, bytes, 0);
    }
  }
  printf("%ld %ld\n", count, lost);
}
