/* What UVNet needs of Swift's runtime, and of libdispatch on which it stands, that no header declares. */
#ifndef CSWIFTRUNTIME_H
#define CSWIFTRUNTIME_H

/* The task that runs on this thread, or NULL: what compiled code calls. */
__attribute__((swiftcall)) void *swift_task_getCurrent(void);

static inline const void *crt_current_task(void) { return swift_task_getCurrent(); }

/* libdispatch's main queue, where the runtime puts the jobs of the main actor, for an event loop that
   has the main thread. libdispatch exports these functions for CFRunLoop, and declares them in a header
   that it does not install:
   https://github.com/swiftlang/swift-corelibs-libdispatch/blob/main/private/private.h */
#ifdef __linux__
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A descriptor, an eventfd that does not block, which is written to when something is put into the
   queue; -1 where the system gives none. It is libdispatch's own, and stays open. */
int _dispatch_get_main_queue_handle_4CF(void);

/* Runs what is in the queue; for the main thread, and not for another. */
void _dispatch_main_queue_callback_4CF(void *);

/* A descriptor of our own for the same: an event loop wants to be the only one that watches it. */
static inline int crt_open_main_queue(void) {
  int descriptor = _dispatch_get_main_queue_handle_4CF();
  return descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
}

/* Takes back what was written to the descriptor, and runs what is in the queue. */
static inline void crt_run_main_queue(int descriptor) {
  unsigned long long count;
  (void)!read(descriptor, &count, sizeof(count));
  _dispatch_main_queue_callback_4CF(NULL);
}

static inline int crt_is_main_thread(void) { return syscall(SYS_gettid) == getpid(); }
#endif

#endif
