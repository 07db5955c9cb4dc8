#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history.h"

enum flag_type { TEXT, SECONDS, SWITCH };

struct flag {
  const char *name;
  enum flag_type type;
  size_t at;
  const char *value; /* in the usage */
  const char *help;
};

#define FLAG(name, type, field, value, help) \
  { name, type, offsetof(struct avgping_options, field), value, help }
static const struct flag flags[] = {
    FLAG("H", TEXT, host, " host[:port]", "the node to ask; without scheme, http and then https"),
    FLAG("I", TEXT, ip, " ip", "connect to this address, whatever the host's name resolves to"),
    FLAG("J", SWITCH, json, "", "print the peers as JSON (with the deleted ones)"),
    FLAG("d", SWITCH, deleted, "", "print deleted peers, too"),
    FLAG("percentiles", SWITCH, percentiles, "",
         "p50 to p99, maximum, jitter and loss of the last ten minutes instead of averages"),
    FLAG("matrix", SWITCH, matrix, "", "draw how long each node's round trip to each other takes"),
    FLAG("history", TEXT, history, " [from..]to",
         "draw the history of a pair; a node is its URL, host:port or key; from: the node asked"),
    FLAG("since", TEXT, since, " -24h", "how far back the history goes (s, m, h, d, w)"),
    FLAG("phase", TEXT, phase, " tcp", "which phase it is of: dns, tcp, tls, first, last, total"),
    FLAG("w", SECONDS, watch_s, " seconds", "ask again at this interval, until interrupted"),
    FLAG("ca", TEXT, ca_file, " file", "trust the certificate authorities in this PEM file"),
    FLAG("k", SWITCH, insecure, "", "do not verify the node's certificate"),
    FLAG("insecure", SWITCH, insecure, "", "the same"),
    FLAG("h", SWITCH, help, "", "print this"),
    FLAG("help", SWITCH, help, "", "the same"),
};
#undef FLAG

enum { FLAG_COUNT = sizeof(flags) / sizeof(flags[0]) };

void avgping_options_print_usage(void) {
  puts("Usage: avgping -H host[:port] [flags]\n"
       "Asks a pingmesh node for its peers and prints their average round-trip times.\n");
  for (size_t i = 0; i < FLAG_COUNT; i++) {
    char left[32];
    snprintf(left, sizeof(left), "-%s%s", flags[i].name, flags[i].value);
    printf("  %-16s %s\n", left, flags[i].help);
  }
}

void avgping_options_visit(avgping_options_visitor visit, void *owner) {
  for (size_t i = 0; i < FLAG_COUNT; i++)
    visit(owner, flags[i].name, flags[i].value[0] ? flags[i].value + 1 : NULL, flags[i].help);
}

static const struct flag *find_flag(const char *name, size_t bytes) {
  for (size_t i = 0; i < FLAG_COUNT; i++) {
    if (strlen(flags[i].name) == bytes && memcmp(flags[i].name, name, bytes) == 0) return &flags[i];
  }
  return NULL;
}

/* What Go's strconv.ParseBool takes. */
static bool read_bool(const char *text, bool *out) {
  static const char *const words[] = {"0", "f", "F", "false", "FALSE", "False",
                                      "1", "t", "T", "true",  "TRUE",  "True"};
  for (size_t i = 0; i < 12; i++) {
    if (strcmp(text, words[i]) != 0) continue;
    *out = i >= 6;
    return true;
  }
  return false;
}

static bool read_seconds(const char *text, int64_t *out) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || value < 1 || value > AVGPING_WATCH_S_MAX) {
    return false;
  }
  *out = value;
  return true;
}

static enum pm_err set_flag(const struct flag *flag, const char *value, struct avgping_options *out,
                            struct pm_why *why) {
  void *field = (char *)out + flag->at;
  switch (flag->type) {
  case TEXT:
    *(const char **)field = value;
    return PM_OK;
  case SECONDS:
    if (read_seconds(value, field)) return PM_OK;
    return pm_why_set(why, PM_ERR_RANGE, "-%s is \"%s\", but must be whole seconds from 1 to %d",
                      flag->name, value, AVGPING_WATCH_S_MAX);
  case SWITCH:
    if (read_bool(value, field)) return PM_OK;
    return pm_why_set(why, PM_ERR_SYNTAX, "-%s is \"%s\", but must be true or false", flag->name,
                      value);
  }
  return PM_ERR_TYPE;
}

/* Takes the flag at argv[*at], and its value if that is the next argument. */
static enum pm_err take_flag(int argc, char **argv, int *at, struct avgping_options *out,
                             struct pm_why *why) {
  const char *arg = argv[(*at)++];
  const char *name = arg + (arg[1] == '-' ? 2 : 1);
  size_t bytes = strcspn(name, "=");
  const struct flag *flag = find_flag(name, bytes);
  if (flag == NULL) {
    return pm_why_set(why, PM_ERR_SYNTAX, "there is no flag %.*s (-help lists them)",
                      (int)(name - arg + (ptrdiff_t)bytes), arg);
  }
  if (name[bytes] == '=') return set_flag(flag, name + bytes + 1, out, why);
  if (flag->type == SWITCH) return set_flag(flag, "true", out, why);
  if (*at >= argc) return pm_why_set(why, PM_ERR_MISSING, "-%s needs a value", flag->name);
  return set_flag(flag, argv[(*at)++], out, why);
}

static enum pm_err take_flags(int argc, char **argv, struct avgping_options *out,
                              struct pm_why *why) {
  int at = 1;
  while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
    if (strcmp(argv[at], "--") == 0) {
      at++;
      break;
    }
    enum pm_err err = take_flag(argc, argv, &at, out, why);
    if (err != PM_OK) return err;
  }
  if (at >= argc || out->help) return PM_OK;
  if ((out->matrix || out->history) && out->host == NULL && at + 1 == argc) {
    out->host = argv[at];
    return PM_OK;
  }
  return pm_why_set(why, PM_ERR_SYNTAX, "\"%s\" is no flag: name the node with -H", argv[at]);
}

/* The address of the node's peers document, below the path that host may have (a proxy's). */
static enum pm_err find_document(struct avgping_options *options, struct pm_why *why) {
  static const char document[] = "/v1/peers";
  char path[PM_URL_BYTES];
  char full[PM_URL_BYTES + sizeof(document)];
  enum pm_err err = pm_endpoint_parse(options->host, options->ip, &options->endpoint, why);
  if (err != PM_OK) return err;
  if (pm_endpoint_query(&options->endpoint)[0] != '\0') {
    return pm_why_set(why, PM_ERR_SYNTAX, "-H is \"%s\", but must have no query", options->host);
  }
  pm_endpoint_path(&options->endpoint, path);
  size_t bytes = strlen(path);
  size_t tail = sizeof(document) - 1;
  if (bytes >= tail && strcmp(path + bytes - tail, document) == 0) return PM_OK;
  if (bytes > 0 && path[bytes - 1] == '/') path[bytes - 1] = '\0';
  snprintf(full, sizeof(full), "%s%s", path, document);
  struct pm_endpoint found;
  err = pm_endpoint_with_path(&options->endpoint, full, &found);
  if (err != PM_OK) return pm_why_set(why, err, "-H is %s", pm_err_text(err));
  options->endpoint = found;
  return PM_OK;
}

static enum pm_err check_drawing(struct avgping_options *options, struct pm_why *why) {
  bool history = options->history != NULL;
  options->since_s = AVGPING_HISTORY_SINCE_S_DEFAULT;
  if (options->matrix && history)
    return pm_why_set(why, PM_ERR_SYNTAX, "-matrix and -history are two things: take one");
  if ((options->matrix || history) && (options->json || options->deleted || options->percentiles))
    return pm_why_set(why, PM_ERR_SYNTAX, "-J, -d and -percentiles are for peers, not for -%s",
                      history ? "history" : "matrix");
  if (!history && (options->since || options->phase))
    return pm_why_set(why, PM_ERR_SYNTAX, "-since and -phase are for -history");
  if (history && options->history[0] == '\0')
    return pm_why_set(why, PM_ERR_SYNTAX, "-history is empty, but must name a node, or from..to");
  if (options->since == NULL) return PM_OK;
  return avgping_history_since(options->since, &options->since_s, why);
}

static enum pm_err check_ca_file(const char *path, struct pm_why *why) {
  if (path == NULL || access(path, R_OK) == 0) return PM_OK;
  return pm_why_set(why, PM_ERR_MISSING, "-ca is \"%s\", which cannot be read: %s", path,
                    strerror(errno));
}

enum pm_err avgping_options_parse(int argc, char **argv, struct avgping_options *out,
                                  struct pm_why *why) {
  struct avgping_options options = {0};
  enum pm_err err = take_flags(argc, argv, &options, why);
  if (err != PM_OK) return err;
  if (!options.help) {
    if (options.host == NULL || options.host[0] == '\0') {
      return pm_why_set(why, PM_ERR_MISSING, "-H is missing: the node to ask, like -H host:8080");
    }
    options.any_scheme = strstr(options.host, "://") == NULL;
    err = find_document(&options, why);
    if (err == PM_OK) err = check_drawing(&options, why);
    if (err == PM_OK) err = check_ca_file(options.ca_file, why);
    if (err != PM_OK) return err;
  }
  *out = options;
  return PM_OK;
}
