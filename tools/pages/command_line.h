/* A program's command line as its manual page and its completions need it, read from the very table
 * that the program parses with. Texts are borrowed from the tables, which are constant.
 */
#ifndef PAGES_COMMAND_LINE_H
#define PAGES_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum { PAGES_OPTIONS_MAX = 128, PAGES_NOTE_BYTES = 64 };

enum pages_value {
  PAGES_NO_VALUE,
  PAGES_BOOL, /* nothing, or =true and =false */
  PAGES_WORD, /* one that nothing can be said of */
  PAGES_FILE,
  PAGES_DIRECTORY,
  PAGES_CHOICE,
};

struct pages_option {
  const char *flag; /* without dashes; NULL: of the environment only */
  const char *env;  /* NULL: none */
  const char *meta; /* what stands for its value; NULL: it has none */
  const char *help; /* "" if there is nothing to say */
  const char *choices;
  enum pages_value value;
  bool optional;               /* its value may be left out */
  bool repeatable;             /* more than once has a meaning */
  char note[PAGES_NOTE_BYTES]; /* range and default; "" if there is nothing to say */
};

struct pages_command_line {
  const char *name;
  struct pages_option options[PAGES_OPTIONS_MAX];
  size_t count;
};

/* False if there is no program of that name. */
bool pages_command_line_read(const char *name, struct pages_command_line *out);

/* "--" before a flag's name, or "-" before a single letter. */
const char *pages_dashes(const struct pages_option *option);

#endif
