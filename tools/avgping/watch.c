#include "watch.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "base/escape.h"
#include "history.h"
#include "matrix.h"
#include "percentiles.h"
#include "table.h"
#include "terminal.h"

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

/* Each asks for what it shows and writes it. */

static enum pm_err show_peers(struct avgping_options *options, bool (*interrupted)(void),
                              struct pm_buf *out) {
  struct pm_peers_doc doc;
  enum pm_err err = avgping_ask(options, interrupted, &doc);
  if (err != PM_OK) return err;
  if (options->json && options->percentiles) {
    avgping_percentiles_write_json(&doc, out);
  } else if (options->json) {
    avgping_table_write_json(&doc, out);
  } else {
    avgping_table_write(options, &doc, pm_clock_wall(), out);
  }
  pm_peers_doc_free(&doc);
  return PM_OK;
}

static enum pm_err take_matrix(void *owner, const struct pm_buf *body, struct pm_why *why) {
  return avgping_matrix_take(owner, body, why);
}

static enum pm_err show_matrix(struct avgping_options *options, bool (*interrupted)(void),
                               struct pm_buf *out) {
  struct avgping_terminal terminal = avgping_terminal_of_stdout();
  struct avgping_matrix *matrix;
  struct pm_buf page;
  enum pm_err err = avgping_matrix_new(&matrix);
  pm_buf_init(&page, PM_URL_BYTES);
  for (const char *after = ""; err == PM_OK && after != NULL; after = avgping_matrix_next(matrix)) {
    pm_buf_reset(&page);
    pm_buf_printf(&page, "matrix?limit=%d", AVGPING_MATRIX_PAGE_ROWS);
    if (after[0] != '\0') {
      pm_buf_text(&page, "&after=");
      pm_escape_query(&page, after, strlen(after));
    }
    err = pm_buf_status(&page);
    if (err == PM_OK) err = avgping_ask_page(options, page.data, interrupted, take_matrix, matrix);
  }
  if (err == PM_OK) err = avgping_matrix_draw(matrix, &terminal, out);
  pm_buf_deinit(&page);
  avgping_matrix_free(matrix);
  return err;
}

struct history_drawing {
  struct avgping_terminal terminal;
  struct pm_buf *out;
};

static enum pm_err draw_history(void *owner, const struct pm_buf *body, struct pm_why *why) {
  const struct history_drawing *drawing = owner;
  return avgping_history_draw(body, &drawing->terminal, drawing->out, why);
}

static enum pm_err show_history(struct avgping_options *options, bool (*interrupted)(void),
                                struct pm_buf *out) {
  struct history_drawing drawing = {avgping_terminal_of_stdout(), out};
  struct pm_buf page;
  pm_buf_init(&page, 4 * PM_URL_BYTES);
  avgping_history_page(options->history, options->phase ? options->phase : "tcp", options->since_s,
                       &drawing.terminal, &page);
  enum pm_err err = pm_buf_status(&page);
  if (err != PM_OK) fputs("avgping: -history is longer than two URLs\n", stderr);
  if (err == PM_OK) err = avgping_ask_page(options, page.data, interrupted, draw_history, &drawing);
  pm_buf_deinit(&page);
  return err;
}

static enum pm_err show(struct avgping_options *options, bool (*interrupted)(void),
                        struct pm_buf *out) {
  if (options->matrix) return show_matrix(options, interrupted, out);
  if (options->history) return show_history(options, interrupted, out);
  return show_peers(options, interrupted, out);
}

/* One turn; PM_ERR_SYSTEM if the answer could not be printed. */
static enum pm_err ask_and_print(struct avgping_options *options, bool first) {
  struct pm_buf out;
  pm_buf_init(&out, AVGPING_TABLE_BYTES_MAX);
  if (!first) write_separator(options, &out);
  enum pm_err err = show(options, options->watch_s > 0 ? was_interrupted : NULL, &out);
  if (err == PM_OK) {
    bool written = pm_buf_status(&out) == PM_OK &&
                   fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    if (!written) fputs("avgping: cannot write to standard output\n", stderr);
    if (!written) err = PM_ERR_SYSTEM;
  }
  pm_buf_deinit(&out);
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
