/* What Unix sockets need of the system and Swift has no words for. */
#ifndef CLIBUV_UNIX_H
#define CLIBUV_UNIX_H

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#ifdef __APPLE__
#include <sys/ucred.h>
#endif

enum { CUV_UNIX_PATH_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path) };

/* Who is at the other end of a connected Unix socket. Returns 0 or a negative errno.
   https://man7.org/linux/man-pages/man7/unix.7.html, SO_PEERCRED. */
static inline int cuv_peer_credentials(int descriptor, int *process, unsigned *user, unsigned *group) {
#ifdef __linux__
  /* struct ucred, which the headers declare with _GNU_SOURCE only. */
  struct {
    int pid;
    unsigned uid, gid;
  } peer;
  socklen_t size = sizeof(peer);
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -errno;
  *process = peer.pid;
  *user = peer.uid;
  *group = peer.gid;
  return 0;
#else
  struct xucred peer;
  socklen_t size = sizeof(peer);
  if (getsockopt(descriptor, SOL_LOCAL, LOCAL_PEERCRED, &peer, &size) != 0) return -errno;
  pid_t pid = 0;
  size = sizeof(pid);
  if (getsockopt(descriptor, SOL_LOCAL, LOCAL_PEERPID, &pid, &size) != 0) return -errno;
  *process = pid;
  *user = peer.cr_uid;
  *group = peer.cr_ngroups > 0 ? peer.cr_groups[0] : (unsigned)-1;
  return 0;
#endif
}

/* Whether a name is a socket; which one, by device and inode; and its mode. It follows no link.
   Returns 1, 0 for something else, or a negative errno. */
static inline int cuv_socket_file(const char *path, uint64_t *device, uint64_t *inode, unsigned *mode) {
  struct stat status;
  if (lstat(path, &status) != 0) return -errno;
  *device = (uint64_t)status.st_dev;
  *inode = (uint64_t)status.st_ino;
  *mode = status.st_mode & 07777;
  return S_ISSOCK(status.st_mode);
}

/* Gives a socket's file its mode, if it is still that file. chmod(2) follows links: whoever may write to
   the folder could have put one in its place. Returns 0 or a negative errno. */
static inline int cuv_set_socket_mode(const char *path, uint64_t device, uint64_t inode, unsigned mode) {
#ifdef __linux__
  /* O_PATH, which the headers declare with _GNU_SOURCE only: it opens a socket's file. */
  int descriptor = open(path, 010000000 | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return -errno;
  struct stat status;
  int result = 0;
  if (fstat(descriptor, &status) != 0) {
    result = -errno;
  } else if (!S_ISSOCK(status.st_mode) || status.st_dev != device || status.st_ino != inode) {
    result = -ENOENT;
  } else {
    char link[32];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
    if (chmod(link, mode) != 0) result = -errno;
  }
  close(descriptor);
  return result;
#else
  (void)device;
  (void)inode;
  return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
#endif
}

/* Opens a folder to lock it against others that listen in it; -1 where that is not possible. */
static inline int cuv_open_folder(const char *path) {
  return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Whether the lock of an open folder was free, and is had now. */
static inline int cuv_lock_folder(int descriptor) {
  int status;
  do status = flock(descriptor, LOCK_EX | LOCK_NB);
  while (status != 0 && errno == EINTR);
  return status == 0;
}

#endif
