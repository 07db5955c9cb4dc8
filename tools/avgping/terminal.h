/* What standard output can show: colours only on a terminal, block characters only where the locale
 * says UTF-8, and how wide it is.
 */
#ifndef AVGPING_TERMINAL_H
#define AVGPING_TERMINAL_H

#include <stdbool.h>

enum {
  AVGPING_COLUMNS_DEFAULT = 100, /* of a terminal that does not tell */
  AVGPING_COLUMNS_MIN = 40,
  AVGPING_COLUMNS_MAX = 500,
};

struct avgping_terminal {
  bool colour; /* it is a terminal, not a dumb one, and NO_COLOR is not set */
  bool utf8;   /* LC_ALL, LC_CTYPE, or LANG say so */
  int columns; /* 0: no terminal, so lines are as long as they are */
};

struct avgping_terminal avgping_terminal_of_stdout(void);

#endif
