#include "watch.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "percentiles.h"
#include "table.h"

/* The signals that end a watch are blocked all along and looked for where the program waits: no
 * handler, nothing shared with one. */
static void ending_signals(sigset_t *out) {
  sigemptyset(out);
  sigaddset(out, SIGINT);
  sigaddset(out, SIGTERM);
}

static bool was_interrupted(void) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

/* Waits; true if a signal ended it. A stop and continue (Ctrl-Z, fg) only ends the waiting early.
 */
static bool wait_interrupted(int64_t seconds) {
  sigset_t signals;
  ending_signals(&signals);
  const struct timespec timeout = {.tv_sec = (time_t)seconds};
  return sigtimedwait(&signals, NULL, &timeout) > 0;
}

/* Between two tables: a terminal is cleared, a file or pipe gets a blank line. JSON needs neither.
 */
static void write_separator(const struct avgping_options *options, struct pm_buf *out) {
  if (options->json) return;
  pm_buf_text(out, isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "\n");
}

static bool print(const struct avgping_options *options, const struct pm_peers_doc *doc,
                  bool first) {
  struct pm_buf out;
  pm_buf_init(&out, AVGPING_TABLE_BYTES_MAX);
  if (!first) write_separator(options, &out);
  if (options->json && options->percentiles) {
    avgping_percentiles_write_json(doc, &out);
  } else if (options->json) {
    avgping_table_write_json(doc, &out);
  } else {
    avgping_table_write(options, doc, pm_clock_wall(), &out);
  }
  bool written = pm_buf_status(&out) == PM_OK && fwrite(out.data, 1, out.len, stdout) == out.len &&
                 fflush(stdout) == 0;
  if (!written) fputs("avgping: cannot write to standard output\n", stderr);
  pm_buf_deinit(&out);
  return written;
}

/* One turn; PM_ERR_SYSTEM if the answer could not be printed. */
static enum pm_err ask_and_print(struct avgping_options *options, bool first) {
  struct pm_peers_doc doc;
  enum pm_err err = avgping_ask(options, options->watch_s > 0 ? was_interrupted : NULL, &doc);
  if (err != PM_OK) return err;
  if (!print(options, &doc, first)) err = PM_ERR_SYSTEM;
  pm_peers_doc_free(&doc);
  return err;
}

int avgping_watch(struct avgping_options *options) {
  if (options->watch_s == 0) return ask_and_print(options, true) == PM_OK ? 0 : 1;
  sigset_t signals;
  ending_signals(&signals);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  for (bool first = true;; first = false) {
    enum pm_err err = ask_and_print(options, first);
    if (err == PM_ERR_CLOSED) return 0;
    if (err == PM_ERR_SYSTEM || (first && err != PM_OK)) return 1;
    if (wait_interrupted(options->watch_s)) return 0;
  }
}
