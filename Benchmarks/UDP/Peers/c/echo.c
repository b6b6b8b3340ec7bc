/* Sends every datagram back: recvfrom and sendto on epoll, with nothing between it and the kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

int main(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, length) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) != 0)
    return perror("bind"), 1;
  int loop = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0) return perror("epoll_ctl"), 1;
  printf("listening address=127.0.0.1 port=%d\n", ntohs(address.sin_port));
  fflush(stdout);
  static char buffer[65536];
  for (;;) {
    if (epoll_wait(loop, &event, 1, -1) < 0 && errno != EINTR) return perror("epoll_wait"), 1;
    for (;;) {
      struct sockaddr_storage sender;
      socklen_t size = sizeof sender;
      ssize_t count = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&sender, &size);
      if (count < 0) break;
      sendto(fd, buffer, count, 0, (struct sockaddr *)&sender, size);
    }
  }
}
