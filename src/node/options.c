#include "node/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/host.h"
#include "node/options_table.h"
#include "probe/roster.h"
#include "publish/clickhouse.h"
#include "publish/cloudwatch_paths.h"

enum { VERBOSITY_DEFAULT = 1, VERBOSITY_MAX = 3 };

static const char ORIGIN_DEFAULT[] = "default";
static const char ORIGIN_FLAG[] = "flag";
static const char INSECURE_SCHEME[] = "https+insecure://";

struct parse {
  struct pm_options *options;
  struct pm_why *why;
  enum pm_options_action action;
};

static void *field_of(struct pm_options *options, const struct pm_option *option) {
  return (char *)options + option->offset;
}

static enum pm_err parse_int(const char *text, int64_t *out) {
  if ((*text < '0' || *text > '9') && *text != '-' && *text != '+') return PM_ERR_SYNTAX;
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (*end || end == text) return PM_ERR_SYNTAX;
  if (errno) return PM_ERR_RANGE;
  *out = value;
  return PM_OK;
}

/* As Go's strconv.ParseBool. */
static enum pm_err parse_bool(const char *text, bool *out) {
  static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
  static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
  for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
    bool is_yes = strcmp(text, yes[i]) == 0;
    if (!is_yes && strcmp(text, no[i]) != 0) continue;
    *out = is_yes;
    return PM_OK;
  }
  return PM_ERR_SYNTAX;
}

/* "-d" or "PINGMESH_DELAY": how the person wrote it. */
static const char *written_as(const struct pm_option *option, const char *origin, char *out,
                              size_t bytes) {
  if (origin == option->env) return origin;
  snprintf(out, bytes, "-%s%s", strlen(option->flag) > 1 ? "-" : "", option->flag);
  return out;
}

static enum pm_err wrong(const struct parse *p, const struct pm_option *option, const char *origin,
                         const char *value, const char *right) {
  char name[64];
  return pm_why_set(p->why, PM_ERR_SYNTAX, "%s: \"%s\" is not %s (%s)",
                    written_as(option, origin, name, sizeof(name)), option->secret ? "…" : value,
                    right, option->help ? option->help : "");
}

static enum pm_err set_int(const struct parse *p, const struct pm_option *option,
                           const char *origin, const char *text) {
  int64_t value;
  if (parse_int(text, &value) != PM_OK || value < option->low || value > option->high) {
    char right[96];
    snprintf(right, sizeof(right), "a whole number of %s from %lld to %lld", option->meta,
             (long long)option->low, (long long)option->high);
    return wrong(p, option, origin, text, right);
  }
  *(int64_t *)field_of(p->options, option) = value;
  return PM_OK;
}

static enum pm_err set_choice(const struct parse *p, const struct pm_option *option,
                              const char *origin, const char *text) {
  size_t length = strlen(text);
  for (const char *at = option->choices; length && *at;) {
    size_t word = strcspn(at, "|");
    if (word == length && memcmp(at, text, word) == 0) {
      *(const char **)field_of(p->options, option) = text;
      return PM_OK;
    }
    at += word + (at[word] == '|');
  }
  char right[96];
  snprintf(right, sizeof(right), "one of %s", option->choices);
  return wrong(p, option, origin, text, right);
}

static enum pm_err set_list(const struct parse *p, const struct pm_option *option,
                            const char *origin, const char *text) {
  struct pm_options_list *list = field_of(p->options, option);
  if (list->count == PM_OPTIONS_RULES_MAX) {
    char right[96];
    snprintf(right, sizeof(right), "possible: %d rules are the most", PM_OPTIONS_RULES_MAX);
    return wrong(p, option, origin, text, right);
  }
  list->items[list->count++] = text;
  return PM_OK;
}

static enum pm_err set_flag(struct parse *p, const struct pm_option *option, const char *origin,
                            const char *text) {
  bool on = true;
  if (text && parse_bool(text, &on) != PM_OK)
    return wrong(p, option, origin, text, "true or false");
  if (option->type == PM_OPTION_BOOL) {
    *(bool *)field_of(p->options, option) = on != option->inverse;
  } else if (on && (option->type == PM_OPTION_ACTION || option->type == PM_OPTION_COUNTED_ACTION)) {
    p->action = (enum pm_options_action)option->step;
  } else if (on) {
    int64_t *verbosity = field_of(p->options, option);
    int64_t next = option->low ? 0 : *verbosity + option->step;
    *verbosity = next > VERBOSITY_MAX ? VERBOSITY_MAX : next;
  }
  return PM_OK;
}

static bool takes_value(const struct pm_option *option) {
  return option->type == PM_OPTION_TEXT || option->type == PM_OPTION_CHOICE ||
         option->type == PM_OPTION_INT || option->type == PM_OPTION_LIST;
}

static enum pm_err set(struct parse *p, const struct pm_option *option, const char *origin,
                       const char *text) {
  enum pm_err err = PM_OK;
  switch (option->type) {
  case PM_OPTION_TEXT:
    *(const char **)field_of(p->options, option) = text;
    break;
  case PM_OPTION_CHOICE:
    err = set_choice(p, option, origin, text);
    break;
  case PM_OPTION_INT:
    err = set_int(p, option, origin, text);
    break;
  case PM_OPTION_LIST:
    err = set_list(p, option, origin, text);
    break;
  case PM_OPTION_BOOL:
  case PM_OPTION_VERBOSITY:
  case PM_OPTION_ACTION:
    err = set_flag(p, option, origin, text);
    break;
  case PM_OPTION_COUNTED_ACTION:
    if (text) err = set_int(p, option, origin, text);
    if (err == PM_OK) err = set_flag(p, option, origin, NULL);
    break;
  }
  if (err == PM_OK) p->options->origins[option - pm_options_table] = origin;
  return err;
}

static const struct pm_option *find_flag(const char *name, size_t length) {
  for (size_t i = 0; i < pm_options_count; i++) {
    const char *flag = pm_options_table[i].flag;
    if (flag && strlen(flag) == length && memcmp(flag, name, length) == 0)
      return &pm_options_table[i];
  }
  return NULL;
}

/* "--cloudwatch-forecast 50": a number, and not an endpoint, follows. */
static bool may_take_number(const struct pm_option *option, const int *at, int argc, char **argv) {
  if (option->type != PM_OPTION_COUNTED_ACTION || *at + 1 >= argc) return false;
  const char *next = argv[*at + 1];
  return *next != '\0' && strspn(next, "0123456789") == strlen(next);
}

/* Reads the flags; *at is then the first argument that is none. */
static enum pm_err parse_flags(struct parse *p, int argc, char **argv, int *at) {
  for (*at = 1; *at < argc; (*at)++) {
    const char *arg = argv[*at];
    if (arg[0] != '-' || arg[1] == '\0') return PM_OK;
    if (strcmp(arg, "--") == 0) {
      (*at)++;
      return PM_OK;
    }
    const char *name = arg + (arg[1] == '-' ? 2 : 1);
    size_t length = strcspn(name, "=");
    const struct pm_option *option = find_flag(name, length);
    if (!option)
      return pm_why_set(p->why, PM_ERR_SYNTAX,
                        "%s is no flag of pingmesh; `pingmesh --help` lists them", arg);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (takes_value(option) && !value) {
      if (++*at >= argc)
        return pm_why_set(p->why, PM_ERR_SYNTAX, "%s needs a value: %s %s", arg, option->meta,
                          option->help);
      value = argv[*at];
    } else if (!value && may_take_number(option, at, argc, argv)) {
      value = argv[++*at];
    }
    enum pm_err err = set(p, option, ORIGIN_FLAG, value);
    if (err != PM_OK) return err;
  }
  return PM_OK;
}

/* DELAY, LIMIT, MAXFAIL: the environment wins over the flag and says so; a bad value is warned
 * of and the flag's kept. The words are the original's. */
static void overrule(struct parse *p, const struct pm_option *option, const char *text) {
  int64_t *value = field_of(p->options, option), given;
  if (parse_int(text, &given) != PM_OK || given <= 0 || given > option->high) {
    pm_buf_printf(&p->options->notes,
                  "Warning: %s %s %s -- value must be int > 0.  Using -%s %lld instead\n",
                  option->env, option->env_says, text, option->flag, (long long)*value);
    return;
  }
  pm_buf_printf(&p->options->notes, "Note: %s from environment, %s overrides -%s %lld\n",
                option->env, text, option->flag, (long long)*value);
  *value = given;
  p->options->origins[option - pm_options_table] = option->env;
}

static enum pm_err parse_environment(struct parse *p, pm_options_env env, void *env_owner) {
  for (size_t i = 0; i < pm_options_count; i++) {
    const struct pm_option *option = &pm_options_table[i];
    const char *text = option->env ? env(env_owner, option->env) : NULL;
    if (!text || !*text) continue;
    if (option->env_wins) {
      overrule(p, option, text);
    } else if (p->options->origins[i] == ORIGIN_DEFAULT) {
      enum pm_err err = set(p, option, option->env, text);
      if (err != PM_OK) return err;
    }
  }
  return PM_OK;
}

/* REP_CITY,REP_COUNTRY, or the one of them that is set. */
static void compose_location(struct pm_options *options, pm_options_env env, void *env_owner) {
  if (options->location) return;
  const char *city = env(env_owner, "REP_CITY"), *country = env(env_owner, "REP_COUNTRY");
  city = city ? city : "";
  country = country ? country : "";
  if (!*city && !*country) return;
  snprintf(options->location_text, sizeof(options->location_text), "%s%s%s", city,
           *city && *country ? "," : "", country);
  options->location = options->location_text;
  size_t i = (size_t)(find_flag("L", 1) - pm_options_table);
  options->origins[i] = *city ? "REP_CITY" : "REP_COUNTRY";
}

enum pm_err pm_options_target_parse(const char *text, const char *override,
                                    struct pm_options_target *out, struct pm_why *why) {
  size_t scheme = sizeof(INSECURE_SCHEME) - 1;
  char plain[PM_URL_BYTES + PM_LOCATION_BYTES * 3];
  if (text[0] == '-')
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "%s: an endpoint is wanted here; flags come before the endpoints", text);
  out->insecure = strncmp(text, INSECURE_SCHEME, scheme) == 0;
  if (out->insecure) {
    snprintf(plain, sizeof(plain), "https://%s", text + scheme);
    text = plain;
  }
  return pm_endpoint_parse(text, override, &out->endpoint, why);
}

static enum pm_err add_target(struct pm_options *options, const char *text, const char *override,
                              struct pm_why *why) {
  if (options->targets_count == PM_ROSTER_TARGETS_MAX)
    return pm_why_set(why, PM_ERR_FULL, "%s: %d endpoints are the most that one node measures",
                      text, PM_ROSTER_TARGETS_MAX);
  size_t at = options->targets_count;
  if ((at & (at - 1)) == 0) { /* 0, 1, 2, 4, 8 …: double */
    size_t cap = at ? at * 2 : 1;
    void *grown = realloc(options->targets, cap * sizeof(*options->targets));
    if (!grown) return pm_why_set(why, PM_ERR_NOMEM, "no memory for endpoint %s", text);
    options->targets = grown;
  }
  enum pm_err err = pm_options_target_parse(text, override, &options->targets[at], why);
  if (err == PM_OK) options->targets_count++;
  return err;
}

/* PINGMESH_URL: several, separated by blanks or commas. A comma inside a location ("#Paris,FR")
 * belongs to it unless a new scheme or the end follows it. */
static enum pm_err add_seeds(struct pm_options *options, const char *text, struct pm_why *why) {
  char one[PM_URL_BYTES + PM_LOCATION_BYTES * 3];
  for (;;) {
    text += strspn(text, " \t\r\n,");
    if (!*text) return PM_OK;
    size_t length = strcspn(text, " \t\r\n,");
    const char *hash = memchr(text, '#', length);
    while (hash && text[length] == ',' && strncmp(text + length + 1, "http", 4) != 0)
      length += 1 + strcspn(text + length + 1, " \t\r\n,");
    if (length >= sizeof(one))
      return pm_why_set(why, PM_ERR_TOO_LARGE,
                        "PINGMESH_URL: an endpoint of %zu bytes; %d are the most", length,
                        PM_URL_BYTES);
    memcpy(one, text, length);
    one[length] = '\0';
    enum pm_err err = add_target(options, one, NULL, why);
    if (err != PM_OK) return err;
    text += length;
  }
}

/* What this node says of itself goes to others: a place of at most PM_LOCATION_BYTES, in UTF-8 and
 * without control characters. */
static enum pm_err check_location(const char *location, struct pm_why *why) {
  size_t bytes = strlen(location);
  if (bytes >= PM_LOCATION_BYTES)
    return pm_why_set(why, PM_ERR_TOO_LARGE, "-L: \"%s\" has %zu bytes; %d are the most", location,
                      bytes, PM_LOCATION_BYTES - 1);
  for (size_t at = 0; at < bytes;) {
    uint32_t code;
    size_t length = pm_utf8_next(location + at, bytes - at, &code);
    if (length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
      return pm_why_set(why, PM_ERR_SYNTAX,
                        "-L: \"%s\" has a control character or is not UTF-8; a place's name, such "
                        "as Paris,FR, is right",
                        location);
    at += length;
  }
  return PM_OK;
}

static enum pm_err check_identity(const struct pm_options *options, struct pm_why *why) {
  char host[PM_HOST_BYTES];
  struct pm_ip ip;
  const char *name = options->hostname;
  if (name && *name && pm_ip_parse(name, &ip) != PM_OK &&
      pm_host_normalise(name, strlen(name), host, NULL) != PM_OK)
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "-H: \"%s\" is no host name; letters, digits, '-', '_' and '.' are right",
                      name);
  if (options->ip_override && *options->ip_override &&
      pm_ip_parse(options->ip_override, &ip) != PM_OK)
    return pm_why_set(why, PM_ERR_SYNTAX, "-I: \"%s\" is no IPv4 or IPv6 address",
                      options->ip_override);
  return options->location ? check_location(options->location, why) : PM_OK;
}

static const char SINKS[] = "cloudwatch, otlp, clickhouse, file, webhook, sentry";

static bool is_sink(const char *name, size_t length) {
  for (const char *at = SINKS; *at; at += strspn(at, ", ")) {
    size_t word = strcspn(at, ",");
    if (word == length && memcmp(at, name, length) == 0) return true;
    at += word;
  }
  return false;
}

/* Each sink but otlp, which has a default, and cloudwatch needs to be told where. */
static enum pm_err check_addresses(const struct pm_options *options, struct pm_why *why) {
  const struct {
    const char *sink, *address, *needs;
    bool is_url;
  } rows[] = {
      {"file", options->publish_file, "--publish-file", false},
      {"clickhouse", options->clickhouse_url, "--clickhouse-url", true},
      {"webhook", options->webhook_url, "--webhook-url", true},
      {"sentry", options->sentry_dsn, "SENTRY_DSN", true},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const char *address = rows[i].address;
    if (!address && pm_options_publishes(options, rows[i].sink))
      return pm_why_set(why, PM_ERR_MISSING, "--publish %s: %s is missing, which says where to",
                        rows[i].sink, rows[i].needs);
    if (address && rows[i].is_url && strncmp(address, "http://", 7) != 0 &&
        strncmp(address, "https://", 8) != 0) /* it may hold a key: never repeated */
      return pm_why_set(why, PM_ERR_SYNTAX, "%s is no URL of http or https", rows[i].needs);
  }
  return PM_OK;
}

static enum pm_err check_alerts(const struct pm_options *options, struct pm_why *why) {
  if (options->alert_windows_bad <= options->alert_windows) return PM_OK;
  return pm_why_set(why, PM_ERR_RANGE, "--alert-bad: %lld bad windows cannot be among %lld",
                    (long long)options->alert_windows_bad, (long long)options->alert_windows);
}

static enum pm_err check_publishing(const struct pm_options *options, struct pm_why *why) {
  for (size_t i = 0; i < options->publish.count; i++) {
    for (const char *at = options->publish.items[i]; *at;) {
      size_t length = strcspn(at, ",");
      if (length > 0 && !is_sink(at, length))
        return pm_why_set(why, PM_ERR_SYNTAX, "--publish: \"%.*s\" is none of: %s", (int)length, at,
                          SINKS);
      at += length + (at[length] == ',');
    }
  }
  if (options->cloudwatch_metrics_max > 0 &&
      options->cloudwatch_metrics_max < PM_CLOUDWATCH_METRICS_MIN)
    return pm_why_set(why, PM_ERR_RANGE,
                      "--cloudwatch-max-metrics: %lld are too few to show anything; 0 (no limit) "
                      "or %d and more are right",
                      (long long)options->cloudwatch_metrics_max, PM_CLOUDWATCH_METRICS_MIN);
  enum pm_err err = check_addresses(options, why);
  return err == PM_OK ? check_alerts(options, why) : err;
}

/* Who says where to does not have to say so twice. */
static bool has_address(const struct pm_options *options, const char *sink) {
  return (options->cloudwatch && strcmp(sink, "cloudwatch") == 0) ||
         (options->publish_file && strcmp(sink, "file") == 0) ||
         (options->otlp_url && strcmp(sink, "otlp") == 0) ||
         (options->clickhouse_url && strcmp(sink, "clickhouse") == 0) ||
         (options->webhook_url && strcmp(sink, "webhook") == 0) ||
         (options->sentry_dsn && strcmp(sink, "sentry") == 0);
}

bool pm_options_publishes(const struct pm_options *options, const char *sink) {
  size_t wanted = strlen(sink);
  for (size_t i = 0; i < options->publish.count; i++) {
    for (const char *at = options->publish.items[i]; *at;) {
      size_t length = strcspn(at, ",");
      if (length == wanted && memcmp(at, sink, length) == 0) return true;
      at += length + (at[length] == ',');
    }
  }
  return has_address(options, sink);
}

static enum pm_err check_together(const struct pm_options *options, struct pm_why *why) {
  struct pm_ip ip;
  enum pm_err err = check_identity(options, why);
  if (err == PM_OK) err = check_publishing(options, why);
  if (err != PM_OK) return err;
  if (options->bind && pm_ip_parse(options->bind, &ip) != PM_OK)
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "--bind: \"%s\" is not an IPv4 or IPv6 address of this machine",
                      options->bind);
  if (!options->tls_cert != !options->tls_key)
    return pm_why_set(why, PM_ERR_MISSING,
                      "--tls-cert and --tls-key belong together: the other one is missing");
  if (options->mutual_tls && (!options->ca || !options->tls_cert))
    return pm_why_set(why, PM_ERR_MISSING,
                      "--mutual-tls: --ca, --tls-cert and --tls-key are all needed for it");
  if (options->mutual_tls && options->insecure)
    return pm_why_set(why, PM_ERR_DUPLICATE,
                      "--mutual-tls and --insecure exclude each other: the one verifies what the "
                      "other does not");
  if (options->token_only && !options->admin_token && !options->admin_token_file)
    return pm_why_set(why, PM_ERR_MISSING,
                      "--token-only: there is no token; set PINGMESH_ADMIN_TOKEN or "
                      "--admin-token-file as well");
  if (options->admin_token && options->admin_token_file)
    return pm_why_set(why, PM_ERR_DUPLICATE,
                      "PINGMESH_ADMIN_TOKEN and --admin-token-file are both set: one of them");
  return PM_OK;
}

static void set_defaults(struct pm_options *out) {
  memset(out, 0, sizeof(*out));
  pm_buf_init(&out->notes, PM_OPTIONS_NOTES_BYTES);
  for (size_t i = 0; i < pm_options_count; i++) {
    const struct pm_option *option = &pm_options_table[i];
    out->origins[i] = ORIGIN_DEFAULT;
    if (option->type == PM_OPTION_INT) *(int64_t *)field_of(out, option) = option->fallback;
    if (option->type == PM_OPTION_BOOL && !option->inverse)
      *(bool *)field_of(out, option) = option->fallback != 0;
  }
  out->verbosity = VERBOSITY_DEFAULT;
  out->output = "text";
  out->mesh = "default";
  out->public_read = "on";
  out->sandbox = "auto";
  out->cloudwatch_legacy = "on";
  out->clickhouse_table = PM_CLICKHOUSE_TABLE_DEFAULT;
}

static enum pm_err parse_all(struct parse *p, int argc, char **argv, pm_options_env env,
                             void *env_owner) {
  int at;
  enum pm_err err = parse_flags(p, argc, argv, &at);
  if (err != PM_OK || p->action == PM_OPTIONS_HELP || p->action == PM_OPTIONS_VERSION) return err;
  err = parse_environment(p, env, env_owner);
  if (err != PM_OK) return err;
  compose_location(p->options, env, env_owner);
  for (; at < argc; at++) {
    err = add_target(p->options, argv[at], p->options->ip_override, p->why);
    if (err != PM_OK) return err;
    p->options->targets_named++;
  }
  const char *seeds = env(env_owner, "PINGMESH_URL");
  if (seeds) err = add_seeds(p->options, seeds, p->why);
  return err != PM_OK ? err : check_together(p->options, p->why);
}

enum pm_options_action pm_options_parse(int argc, char **argv, pm_options_env env, void *env_owner,
                                        struct pm_options *out, struct pm_why *why) {
  struct parse p = {.options = out, .why = why, .action = PM_OPTIONS_RUN};
  set_defaults(out);
  if (parse_all(&p, argc, argv, env, env_owner) != PM_OK) return PM_OPTIONS_WRONG;
  if (p.action == PM_OPTIONS_RUN && out->targets_count == 0 && out->listen_port == 0 &&
      !out->targets_file)
    return PM_OPTIONS_NOTHING_TO_DO;
  return p.action;
}

bool pm_options_is_flag(const struct pm_options *options, const char *flag) {
  const struct pm_option *option = find_flag(flag, strlen(flag));
  return option && options->origins[option - pm_options_table] == ORIGIN_FLAG;
}

void pm_options_deinit(struct pm_options *options) {
  free(options->targets);
  options->targets = NULL;
  options->targets_count = 0;
  pm_buf_deinit(&options->notes);
}
