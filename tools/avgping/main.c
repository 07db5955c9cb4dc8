/* avgping: asks a pingmesh node for its peers and prints their average round-trip times. */
#include <stdio.h>

#include "options.h"
#include "watch.h"

enum { EXIT_WRONG_USE = 2 };

int main(int argc, char **argv) {
  struct avgping_options options;
  struct pm_why why = {""};
  if (avgping_options_parse(argc, argv, &options, &why) != PM_OK) {
    fprintf(stderr, "avgping: %s\n", why.text);
    return EXIT_WRONG_USE;
  }
  if (options.help) {
    avgping_options_print_usage();
    return 0;
  }
  return avgping_watch(&options);
}
