#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/descriptors.h"
#include "node/healthcheck.h"
#include "node/node.h"
#include "node/options.h"
#include "node/publishers.h"

static const char *environment(void *owner, const char *name) {
  (void)owner;
  return getenv(name);
}

static enum pm_exit print(FILE *to, void (*write)(struct pm_buf *), enum pm_exit status) {
  struct pm_buf text;
  pm_buf_init(&text, 1 << 16);
  write(&text);
  fputs(text.data, to);
  pm_buf_deinit(&text);
  return status;
}

static enum pm_exit print_config(const struct pm_options *options) {
  struct pm_buf text;
  pm_buf_init(&text, 1 << 24);
  pm_options_print(options, &text);
  fputs(text.data, stdout);
  pm_buf_deinit(&text);
  return PM_EXIT_DONE;
}

static enum pm_exit print_forecast(const struct pm_options *options) {
  struct pm_buf text;
  pm_buf_init(&text, 1 << 16);
  enum pm_err err = pm_publishers_forecast(options, &text);
  fputs(text.data, stdout);
  pm_buf_deinit(&text);
  return err == PM_OK ? PM_EXIT_DONE : PM_EXIT_FAILED;
}

static enum pm_exit complain(const struct pm_why *why, enum pm_exit status) {
  fprintf(stderr, "pingmesh: %s\n", why->text);
  return status;
}

static enum pm_exit healthcheck(const struct pm_options *options) {
  struct pm_why why = {""};
  signal(SIGPIPE, SIG_IGN);
  enum pm_err err = pm_healthcheck_run(options, environment, NULL, "/proc/1/cmdline", &why);
  return err == PM_OK ? PM_EXIT_DONE : complain(&why, PM_EXIT_FAILED);
}

static void log_notes(const struct pm_log *log, const char *notes) {
  while (*notes) {
    int length = (int)strcspn(notes, "\n");
    pm_log(log, PM_LOG_ALWAYS, "%.*s", length, notes);
    notes += length + 1;
  }
}

static enum pm_exit run(const struct pm_options *options) {
  uint64_t lost = 0;
  struct pm_log log = {
      .level = (enum pm_log_level)options->verbosity, .fd = STDERR_FILENO, .lost = &lost};
  struct pm_why why = {""};
  log_notes(&log, options->notes.data);
  enum pm_exit status = pm_node_run(options, &log, &why);
  return why.text[0] ? complain(&why, status) : status;
}

int main(int argc, char **argv) {
  struct pm_options options;
  struct pm_why why = {""};
  enum pm_exit status = PM_EXIT_FAILED;
  pm_descriptors_fill_standard();
  switch (pm_options_parse(argc, argv, environment, NULL, &options, &why)) {
  case PM_OPTIONS_RUN:
    status = run(&options);
    break;
  case PM_OPTIONS_HELP:
    status = print(stdout, pm_options_usage, PM_EXIT_DONE);
    break;
  case PM_OPTIONS_VERSION:
    puts("pingmesh " PM_VERSION);
    status = PM_EXIT_DONE;
    break;
  case PM_OPTIONS_PRINT_CONFIG:
    status = print_config(&options);
    break;
  case PM_OPTIONS_FORECAST:
    status = print_forecast(&options);
    break;
  case PM_OPTIONS_DASHBOARD:
    status = print(stdout, pm_publishers_dashboard, PM_EXIT_DONE);
    break;
  case PM_OPTIONS_HEALTHCHECK:
    status = healthcheck(&options);
    break;
  case PM_OPTIONS_NOTHING_TO_DO:
    status = print(stderr, pm_options_usage, PM_EXIT_WRONG_USE);
    break;
  case PM_OPTIONS_WRONG:
    status = complain(&why, PM_EXIT_WRONG_USE);
    break;
  }
  pm_options_deinit(&options);
  return (int)status;
}
