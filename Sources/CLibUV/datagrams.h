/* What UDP needs of the system and Swift has no words for: several datagrams in one system call,
   with buffers that point at each other, and structures with a variable part. */
#ifndef CLIBUV_DATAGRAMS_H
#define CLIBUV_DATAGRAMS_H

#include <errno.h>
#include <netinet/in.h>
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

enum { CUV_DATAGRAMS_AT_ONCE = 32 };

/* Receives up to `count` datagrams without waiting, each into a slot of `slot` bytes of which
   `most` are used. Returns their number, or a negative errno.
   https://man7.org/linux/man-pages/man2/recvmmsg.2.html */
static inline int cuv_receive_datagrams(int descriptor, char *slots, size_t slot, size_t most,
                                        cuv_datagram *into, unsigned count) {
  if (count > CUV_DATAGRAMS_AT_ONCE) count = CUV_DATAGRAMS_AT_ONCE;
#ifdef __linux__
  struct mmsghdr headers[CUV_DATAGRAMS_AT_ONCE];
  struct iovec pieces[CUV_DATAGRAMS_AT_ONCE];
  memset(headers, 0, sizeof(headers[0]) * count);
  for (unsigned i = 0; i < count; i++) {
    pieces[i].iov_base = slots + i * slot;
    pieces[i].iov_len = most;
    headers[i].msg_hdr.msg_iov = &pieces[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_name = &into[i].sender;
    headers[i].msg_hdr.msg_namelen = sizeof(into[i].sender);
  }
  int received;
  do received = recvmmsg(descriptor, headers, count, MSG_DONTWAIT, NULL);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (int i = 0; i < received; i++) {
    if (headers[i].msg_hdr.msg_namelen == 0) into[i].sender.ss_family = AF_UNSPEC;
    into[i].length = headers[i].msg_len;
    into[i].is_truncated = (headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
  }
  return received;
#else
  unsigned received = 0;
  while (received < count) {
    struct iovec piece = {slots + received * slot, most};
    struct msghdr header;
    memset(&header, 0, sizeof(header));
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_name = &into[received].sender;
    header.msg_namelen = sizeof(into[received].sender);
    ssize_t length = recvmsg(descriptor, &header, MSG_DONTWAIT);
    if (length < 0) {
      if (errno == EINTR) continue;
      /* What has come is told first; the error shows again, or the next call finds nothing. */
      return received > 0 ? (int)received : -errno;
    }
    if (header.msg_namelen == 0) into[received].sender.ss_family = AF_UNSPEC;
    into[received].length = (size_t)length;
    into[received].is_truncated = (header.msg_flags & MSG_TRUNC) != 0;
    received++;
  }
  return (int)received;
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
