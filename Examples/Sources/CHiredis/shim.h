/* hiredis with its adapter to libuv, and so libuv's types, among them the loop's. */
#ifndef CHIREDIS_SHIM_H
#define CHIREDIS_SHIM_H

#include <sys/time.h>

#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#endif
