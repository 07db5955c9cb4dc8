/* Asks and prints, once or at an interval until interrupted.
 */
#ifndef AVGPING_WATCH_H
#define AVGPING_WATCH_H

#include "options.h"

/* The process's exit status: 0, or 1 if the node gave no peers document or standard output cannot
 * be written. With an interval only the first answer decides: later failures are told on standard
 * error, and the next turn tries again; SIGINT and SIGTERM end it with 0. */
int avgping_watch(struct avgping_options *options);

#endif
