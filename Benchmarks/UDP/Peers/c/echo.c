/* Sends every datagram back on epoll, with nothing between it and the kernel: recvfrom and sendto, or with
 * the argument `batched` recvmmsg and sendmmsg of up to 16 at once, below which nothing can be. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { at_once = 16, longest = 65536 };

static void one_by_one(int fd) {
  static char buffer[longest];
  for (;;) {
    struct sockaddr_storage sender;
    socklen_t size = sizeof sender;
    ssize_t count = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&sender, &size);
    if (count < 0) return;
    sendto(fd, buffer, count, 0, (struct sockaddr *)&sender, size);
  }
}

static void batched(int fd) {
  static char buffers[at_once][longest];
  static struct sockaddr_storage senders[at_once];
  static struct iovec pieces[at_once];
  static struct mmsghdr headers[at_once];
  for (int i = 0; i < at_once; i++) {
    pieces[i] = (struct iovec){buffers[i], longest};
    headers[i].msg_hdr = (struct msghdr){
        .msg_name = &senders[i], .msg_namelen = sizeof senders[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  int count = recvmmsg(fd, headers, at_once, 0, NULL);
  for (int i = 0; i < count; i++) pieces[i].iov_len = headers[i].msg_len;
  if (count == 1)
    sendto(fd, buffers[0], headers[0].msg_len, 0, (struct sockaddr *)&senders[0],
           headers[0].msg_hdr.msg_namelen);
  else if (count > 1)
    sendmmsg(fd, headers, count, 0);
  for (int i = 0; i < count; i++) pieces[i].iov_len = longest;
}

int main(int argc, char **argv) {
  void (*echo)(int) = argc > 1 && strcmp(argv[1], "batched") == 0 ? batched : one_by_one;
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
  for (;;) {
    if (epoll_wait(loop, &event, 1, -1) < 0 && errno != EINTR) return perror("epoll_wait"), 1;
    echo(fd);
  }
}
