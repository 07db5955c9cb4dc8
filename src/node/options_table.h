/* The table of options: a row an option. Everything that knows options iterates over it.
 */
#ifndef PM_NODE_OPTIONS_TABLE_H
#define PM_NODE_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pm_option_type {
  PM_OPTION_TEXT,           /* const char * */
  PM_OPTION_CHOICE,         /* const char *, one of choices */
  PM_OPTION_INT,            /* int64_t in low … high */
  PM_OPTION_BOOL,           /* bool */
  PM_OPTION_LIST,           /* struct pm_options_list; repeatable, or separated by commas */
  PM_OPTION_VERBOSITY,      /* bool flag that changes int64_t by step; low: sets it to 0 instead */
  PM_OPTION_ACTION,         /* bool flag whose step is the enum pm_options_action to do */
  PM_OPTION_COUNTED_ACTION, /* the same with a number that may follow: int64_t in low … high */
};

struct pm_option {
  const char *flag; /* without dashes; NULL: environment only */
  const char *env;  /* NULL: none */
  enum pm_option_type type;
  size_t offset; /* into struct pm_options */
  int64_t low, high, fallback;
  int64_t step;
  const char *choices;     /* "text|json", the first is the default */
  bool env_wins;           /* the original's DELAY, LIMIT, MAXFAIL */
  const char *env_says;    /* the words of the original's warning about it */
  bool inverse;            /* of a bool: set means false; only a way to write it */
  bool secret;             /* never shown */
  const char *meta, *help; /* "seconds", "…" */
};

extern const struct pm_option pm_options_table[];
extern const size_t pm_options_count;

#endif
