/* What UDP needs of the system and Swift has no words for: several datagrams in one system call,
   with buffers that point at each other, and structures with a variable part. */
#ifndef CLIBUV_DATAGRAMS_H
#define CLIBUV_DATAGRAMS_H

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static inline int cuv_datagram_type(void) { return SOCK_DGRAM; }

/* A socket that does not block and that no child process inherits. Returns it or -1, with errno. */
static inline int cuv_datagram_socket(int family) {
#ifdef __linux__
  return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
  return cuv_set_flags(socket(family, SOCK_DGRAM, 0));
#endif
}

/* One datagram that was received; its bytes are in the slot of the same number. */
typedef struct {
  struct sockaddr_storage sender;
  size_t length;
  int is_truncated;
} cuv_datagram;

enum { CUV_DATAGRAMS_AT_ONCE = 16 };

/* Where datagrams are received, each into a slot of `slot` bytes. What the system call reads is set up
   once, and only what it has written is restored. */
typedef struct {
  cuv_datagram datagrams[CUV_DATAGRAMS_AT_ONCE];
  char *slots;
  size_t slot;
#ifdef __linux__
  size_t most;
  struct mmsghdr headers[CUV_DATAGRAMS_AT_ONCE];
  struct iovec pieces[CUV_DATAGRAMS_AT_ONCE];
#endif
} cuv_receiver;

static inline void cuv_receiver_init(cuv_receiver *receiver, char *slots, size_t slot) {
  memset(receiver, 0, sizeof(*receiver));
  receiver->slots = slots;
  receiver->slot = slot;
#ifdef __linux__
  for (int i = 0; i < CUV_DATAGRAMS_AT_ONCE; i++) {
    receiver->pieces[i].iov_base = slots + (size_t)i * slot;
    struct msghdr *header = &receiver->headers[i].msg_hdr;
    header->msg_iov = &receiver->pieces[i];
    header->msg_iovlen = 1;
    header->msg_name = &receiver->datagrams[i].sender;
    header->msg_namelen = sizeof(receiver->datagrams[i].sender);
  }
#endif
}

static inline cuv_datagram *cuv_received(cuv_receiver *receiver, int index) {
  return &receiver->datagrams[index];
}

/* Receives a batch of datagrams without waiting, at most `most` bytes of each. Returns their number,
   or a negative errno.
   https://man7.org/linux/man-pages/man2/recvmmsg.2.html */
static inline int cuv_receive_datagrams(cuv_receiver *receiver, int descriptor, size_t most) {
#ifdef __linux__
  if (most != receiver->most) {
    receiver->most = most;
    for (int i = 0; i < CUV_DATAGRAMS_AT_ONCE; i++) receiver->pieces[i].iov_len = most;
  }
  int received;
  do received = recvmmsg(descriptor, receiver->headers, CUV_DATAGRAMS_AT_ONCE, MSG_DONTWAIT, NULL);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (int i = 0; i < received; i++) {
    struct msghdr *header = &receiver->headers[i].msg_hdr;
    cuv_datagram *datagram = &receiver->datagrams[i];
    if (header->msg_namelen == 0) datagram->sender.ss_family = AF_UNSPEC;
    header->msg_namelen = sizeof(datagram->sender);
    datagram->length = receiver->headers[i].msg_len;
    datagram->is_truncated = (header->msg_flags & MSG_TRUNC) != 0;
  }
  return received;
#else
  int received = 0;
  while (received < CUV_DATAGRAMS_AT_ONCE) {
    cuv_datagram *datagram = &receiver->datagrams[received];
    struct iovec piece = {receiver->slots + (size_t)received * receiver->slot, most};
    struct msghdr header;
    memset(&header, 0, sizeof(header));
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_name = &datagram->sender;
    header.msg_namelen = sizeof(datagram->sender);
    ssize_t length = recvmsg(descriptor, &header, MSG_DONTWAIT);
    if (length < 0) {
      if (errno == EINTR) continue;
      /* What has come is told first; the error shows again, or the next call finds nothing. */
      return received > 0 ? received : -errno;
    }
    if (header.msg_namelen == 0) datagram->sender.ss_family = AF_UNSPEC;
    datagram->length = (size_t)length;
    datagram->is_truncated = (header.msg_flags & MSG_TRUNC) != 0;
    received++;
  }
  return received;
#endif
}

/* Sends one datagram without waiting, to `to` or, where that is NULL, to the connected peer.
   Returns 0 or a negative errno. */
static inline int cuv_send_datagram(int descriptor, const void *bytes, size_t count,
                                    const struct sockaddr *to, socklen_t size) {
  ssize_t sent;
#ifdef MSG_NOSIGNAL
  int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
#else
  int flags = MSG_DONTWAIT;
#endif
  do sent = sendto(descriptor, bytes, count, flags, to, to ? size : 0);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

/* A datagram that is to be sent with others. */
typedef struct {
  const void *bytes;
  size_t length;
  /* An address of either family. */
  struct sockaddr_in6 to;
  /* Bytes of the address; 0 for the connected peer. */
  socklen_t size;
} cuv_outgoing;

enum { CUV_OUTGOING_AT_ONCE = 32 };

static inline const struct sockaddr *cuv_outgoing_address(const cuv_outgoing *datagram) {
  return datagram->size > 0 ? (const struct sockaddr *)&datagram->to : NULL;
}

static inline void cuv_outgoing_set(cuv_outgoing *datagram, const void *bytes, size_t length,
                                    const struct sockaddr *to, socklen_t size) {
  datagram->bytes = bytes;
  datagram->length = length;
  datagram->size = size;
  if (size > 0) memcpy(&datagram->to, to, size);
}

/* Sends datagrams in order without waiting. Returns how many the kernel has taken, at least 1, or the
   negative errno of the first. An error of a later one shows when that is the first: sendmmsg(2) does
   not return it.
   https://man7.org/linux/man-pages/man2/sendmmsg.2.html */
static inline int cuv_send_datagrams(int descriptor, cuv_outgoing *datagrams, unsigned count) {
  if (count > CUV_OUTGOING_AT_ONCE) count = CUV_OUTGOING_AT_ONCE;
#ifdef __linux__
  if (count > 1) {
    struct mmsghdr headers[CUV_OUTGOING_AT_ONCE];
    struct iovec pieces[CUV_OUTGOING_AT_ONCE];
    memset(headers, 0, sizeof(headers[0]) * count);
    for (unsigned i = 0; i < count; i++) {
      pieces[i].iov_base = (void *)(uintptr_t)datagrams[i].bytes;
      pieces[i].iov_len = datagrams[i].length;
      headers[i].msg_hdr.msg_iov = &pieces[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = datagrams[i].size > 0 ? &datagrams[i].to : NULL;
      headers[i].msg_hdr.msg_namelen = datagrams[i].size;
    }
    int sent;
    do sent = sendmmsg(descriptor, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
  }
#endif
  for (unsigned i = 0; i < count; i++) {
    const cuv_outgoing *next = &datagrams[i];
    int status = cuv_send_datagram(descriptor, next->bytes, next->length, cuv_outgoing_address(next),
                                   next->size);
    if (status < 0) return i > 0 ? (int)i : status;
  }
  return (int)count;
}

/* Ends the association of a UDP socket with a peer: connect(2). Returns 0 or a negative errno. */
static inline int cuv_disconnect_datagrams(int descriptor) {
  struct sockaddr none;
  memset(&none, 0, sizeof(none));
  none.sa_family = AF_UNSPEC;
  if (connect(descriptor, &none, sizeof(none)) == 0) return 0;
#ifdef __linux__
  return -errno;
#else
  /* BSD refuses the family, but does what was asked. */
  return errno == EAFNOSUPPORT || errno == EINVAL ? 0 : -errno;
#endif
}

/* Joins or leaves a multicast group on an interface, 0 for the system's choice; with a source, only
   for what that source sends. RFC 3678 section 5. Returns 0 or a negative errno. */
static inline int cuv_multicast_membership(int descriptor, int family, int join, unsigned interface,
                                           const struct sockaddr *group, socklen_t size,
                                           const struct sockaddr *source) {
  int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  int status;
  if (source == NULL) {
    struct group_req request;
    memset(&request, 0, sizeof(request));
    request.gr_interface = interface;
    memcpy(&request.gr_group, group, size);
    status = setsockopt(descriptor, level, join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &request,
                        sizeof(request));
  } else {
    struct group_source_req request;
    memset(&request, 0, sizeof(request));
    request.gsr_interface = interface;
    memcpy(&request.gsr_group, group, size);
    memcpy(&request.gsr_source, source, size);
    status = setsockopt(descriptor, level, join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP,
                        &request, sizeof(request));
  }
  return status < 0 ? -errno : 0;
}

/* Chooses the interface that multicast leaves by, 0 for the system's choice. Returns 0 or a negative
   errno. */
static inline int cuv_multicast_interface(int descriptor, int family, unsigned interface) {
  int status;
  if (family == AF_INET6) {
    status = setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface, sizeof(interface));
  } else {
    struct ip_mreqn request;
    memset(&request, 0, sizeof(request));
    request.imr_ifindex = (int)interface;
    status = setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
  }
  return status < 0 ? -errno : 0;
}

#endif
