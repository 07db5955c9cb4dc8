#include "node/targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "probe/roster.h"

enum {
  FILE_BYTES_MAX = 4 << 20, /* 16,384 lines of 256 bytes */
  LINE_BYTES = PM_URL_BYTES + PM_LOCATION_BYTES * 3,
};

/* One of the file's, as it was added. */
struct entry {
  struct pm_endpoint endpoint;
  bool insecure;
  uint64_t id; /* 0: it was there already, and is not ours to remove */
};

struct pm_targets {
  struct pm_targets_config config;
  struct entry *entries;
  size_t count;
};

/* --- the file --------------------------------------------------------------------------------- */

/* The line without blanks around it; false if it is too long. */
static bool trim(const char *line, size_t length, char out[LINE_BYTES]) {
  while (length > 0 && strchr(" \t\r", line[length - 1])) length--;
  while (length > 0 && strchr(" \t", line[0])) line++, length--;
  if (length >= LINE_BYTES) return false;
  memcpy(out, line, length);
  out[length] = '\0';
  return true;
}

static size_t count_lines(const char *text, size_t bytes) {
  size_t lines = 1;
  for (size_t i = 0; i < bytes; i++) lines += text[i] == '\n';
  return lines;
}

static enum pm_err parse_line(const char *line, size_t length, struct pm_options_target *targets,
                              size_t *count, struct pm_why *why) {
  char one[LINE_BYTES];
  if (memchr(line, '\0', length)) /* what follows would go unread, and so be removed */
    return pm_why_set(why, PM_ERR_SYNTAX, "it has a byte of 0: the file is no text");
  if (!trim(line, length, one))
    return pm_why_set(why, PM_ERR_TOO_LARGE, "it has more than %d bytes", LINE_BYTES - 1);
  if (one[0] == '\0' || one[0] == '#') return PM_OK;
  if (*count == PM_ROSTER_TARGETS_MAX)
    return pm_why_set(why, PM_ERR_FULL, "%d endpoints are the most that one node measures",
                      PM_ROSTER_TARGETS_MAX);
  enum pm_err err = pm_options_target_parse(one, NULL, &targets[*count], why);
  if (err == PM_OK) ++*count;
  return err;
}

enum pm_err pm_targets_parse(const char *text, size_t bytes, struct pm_options_target **out,
                             size_t *out_count, struct pm_why *why) {
  size_t lines = count_lines(text, bytes), count = 0, number = 0;
  size_t most = lines < PM_ROSTER_TARGETS_MAX ? lines : PM_ROSTER_TARGETS_MAX;
  struct pm_options_target *targets = calloc(most, sizeof *targets);
  if (!targets) return pm_why_set(why, PM_ERR_NOMEM, "no memory for so many endpoints");
  for (const char *line = text, *end = text + bytes; line < end;) {
    struct pm_why reason;
    const char *feed = memchr(line, '\n', (size_t)(end - line));
    size_t length = (size_t)((feed ? feed : end) - line);
    number++;
    enum pm_err err = parse_line(line, length, targets, &count, &reason);
    if (err != PM_OK) {
      free(targets);
      return pm_why_set(why, err, "line %zu: %s", number, reason.text);
    }
    line += length + (feed != NULL);
  }
  *out = targets;
  *out_count = count;
  return PM_OK;
}

static enum pm_err read_text(const char *path, struct pm_buf *out, struct pm_why *why) {
  char part[16384];
  size_t got;
  FILE *file = fopen(path, "re");
  if (!file)
    return pm_why_set(why, PM_ERR_IO, "--targets-file: %s cannot be read: %s", path,
                      strerror(errno));
  while ((got = fread(part, 1, sizeof part, file)) > 0) pm_buf_append(out, part, got);
  int error = ferror(file) ? errno : 0;
  fclose(file);
  if (error)
    return pm_why_set(why, PM_ERR_IO, "--targets-file: %s cannot be read: %s", path,
                      strerror(error));
  enum pm_err err = pm_buf_status(out);
  return err == PM_OK ? err
                      : pm_why_set(why, err, "--targets-file: %s has more than %d bytes", path,
                                   FILE_BYTES_MAX);
}

static enum pm_err read_file(const char *path, struct pm_options_target **out, size_t *out_count,
                             struct pm_why *why) {
  struct pm_buf text;
  struct pm_why reason;
  pm_buf_init(&text, FILE_BYTES_MAX);
  enum pm_err err = read_text(path, &text, why);
  if (err == PM_OK) {
    err = pm_targets_parse(text.data, text.len, out, out_count, &reason);
    if (err != PM_OK) pm_why_set(why, err, "--targets-file: %s, %s", path, reason.text);
  }
  pm_buf_deinit(&text);
  return err;
}

/* --- adding and removing ---------------------------------------------------------------------- */

/* out_id 0: it is there already. */
static enum pm_err add(const struct pm_targets *targets, const struct pm_options_target *given,
                       uint64_t *out_id, struct pm_why *why) {
  const struct pm_options *options = targets->config.options;
  struct pm_target_spec spec = {
      .endpoint = given->endpoint,
      .learned = PM_LEARNED_CONFIG,
      .limit = options->limit,
      .delay_s = options->delay_s,
      .fail_max = options->fail_max,
      .insecure = given->insecure || options->insecure,
  };
  enum pm_err err = pm_prober_add(targets->config.prober, &spec, out_id, why);
  if (err == PM_ERR_DUPLICATE) {
    pm_log(targets->config.log, PM_LOG_INFO, "%s is given twice; it is probed once",
           given->endpoint.url);
    *out_id = 0;
    err = PM_OK;
  }
  if (err == PM_OK && targets->config.mesh)
    pm_mesh_add_seed(targets->config.mesh, &given->endpoint);
  return err;
}

static void drop(const struct pm_targets *targets, const struct entry *entry) {
  if (entry->id == 0) return;
  if (targets->config.mesh) pm_mesh_remove_seed(targets->config.mesh, &entry->endpoint);
  /* It may have ended by itself: then there is nothing to remove. */
  if (pm_prober_remove(targets->config.prober, entry->id) != PM_OK) return;
}

/* --- what is in both the old list and the new one ----------------------------------------------
 */

/* A line of the file, of now or of before; at is its place in its list. */
struct line {
  const struct pm_endpoint *endpoint;
  bool insecure;
  size_t at;
};

static int compare(const struct line *a, const struct line *b) {
  int by = strcmp(a->endpoint->url, b->endpoint->url);
  if (by == 0) by = strcmp(a->endpoint->location, b->endpoint->location);
  if (by == 0)
    by = memcmp(&a->endpoint->ip_override, &b->endpoint->ip_override, sizeof(struct pm_ip));
  return by != 0 ? by : (int)a->insecure - (int)b->insecure;
}

/* Of equal lines the first comes first: it is the one that was added. */
static int by_name_and_place(const void *a, const void *b) {
  const struct line *left = a, *right = b;
  int by = compare(left, right);
  return by != 0 ? by : (left->at > right->at) - (left->at < right->at);
}

/* The first of those that equal it, in sorted lines; NULL if there is none. */
static const struct line *find(const struct line *lines, size_t count, const struct line *wanted) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(&lines[middle], wanted) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && compare(&lines[low], wanted) == 0 ? &lines[low] : NULL;
}

static struct line line_of(const struct pm_endpoint *endpoint, bool insecure, size_t at) {
  return (struct line){.endpoint = endpoint, .insecure = insecure, .at = at};
}

/* Both lists, sorted: comparing each with each would take seconds at 16,384 lines. */
struct index {
  struct line *known, *given;
  size_t known_count, given_count;
};

static bool index_make(const struct pm_targets *targets, const struct pm_options_target *given,
                       size_t count, struct index *out) {
  struct index index = {.known_count = targets->count, .given_count = count};
  index.known = calloc(targets->count + 1, sizeof *index.known);
  index.given = calloc(count + 1, sizeof *index.given);
  *out = index;
  if (!index.known || !index.given) return false;
  for (size_t i = 0; i < targets->count; i++)
    index.known[i] = line_of(&targets->entries[i].endpoint, targets->entries[i].insecure, i);
  for (size_t i = 0; i < count; i++)
    index.given[i] = line_of(&given[i].endpoint, given[i].insecure, i);
  qsort(index.known, targets->count, sizeof *index.known, by_name_and_place);
  qsort(index.given, count, sizeof *index.given, by_name_and_place);
  return true;
}

static void index_free(struct index *index) {
  free(index->known);
  free(index->given);
}

/* --- reading it again ------------------------------------------------------------------------- */

/* The entry of what is there already, or of what could be added. */
static bool take(const struct pm_targets *targets, const struct index *index,
                 const struct pm_options_target *given, struct entry *out, struct pm_why *why) {
  struct line wanted = line_of(&given->endpoint, given->insecure, 0);
  const struct line *known = find(index->known, index->known_count, &wanted);
  *out = (struct entry){.endpoint = given->endpoint, .insecure = given->insecure};
  if (known)
    *out = targets->entries[known->at];
  else if (add(targets, given, &out->id, why) != PM_OK)
    return false;
  return true;
}

/* What has gone is removed first: an endpoint that only changed its place's name is added anew. */
static void exchange(struct pm_targets *targets, const struct index *index,
                     const struct pm_options_target *given, struct entry *entries) {
  size_t kept = 0;
  for (size_t i = 0; i < targets->count; i++) {
    const struct entry *entry = &targets->entries[i];
    struct line wanted = line_of(&entry->endpoint, entry->insecure, 0);
    if (!find(index->given, index->given_count, &wanted)) drop(targets, entry);
  }
  for (size_t i = 0; i < index->given_count; i++) {
    struct pm_why why;
    if (take(targets, index, &given[i], &entries[kept], &why))
      kept++;
    else
      pm_log(targets->config.log, PM_LOG_ALWAYS, "--targets-file: %s", why.text);
  }
  free(targets->entries);
  targets->entries = entries;
  targets->count = kept;
}

enum pm_err pm_targets_reload(struct pm_targets *targets, struct pm_why *why) {
  const char *path = targets->config.options->targets_file;
  struct pm_options_target *given = NULL;
  size_t count = 0;
  if (!path) return PM_OK;
  enum pm_err err = read_file(path, &given, &count, why);
  if (!given) return err;
  struct index index;
  struct entry *entries = calloc(count ? count : 1, sizeof *entries);
  bool enough = index_make(targets, given, count, &index) && entries;
  if (enough) {
    exchange(targets, &index, given, entries);
    pm_log(targets->config.log, PM_LOG_INFO, "%zu endpoints read from %s", targets->count, path);
  } else {
    free(entries);
  }
  index_free(&index);
  free(given);
  return enough ? PM_OK : pm_why_set(why, PM_ERR_NOMEM, "no memory for the endpoints");
}

enum pm_err pm_targets_open(const struct pm_targets_config *config, struct pm_targets **out,
                            struct pm_why *why) {
  struct pm_targets *targets = calloc(1, sizeof *targets);
  if (!targets) return pm_why_set(why, PM_ERR_NOMEM, "no memory for the endpoints");
  targets->config = *config;
  enum pm_err err = PM_OK;
  for (size_t i = 0; err == PM_OK && i < config->options->targets_count; i++) {
    uint64_t id;
    err = add(targets, &config->options->targets[i], &id, why);
  }
  if (err == PM_OK) err = pm_targets_reload(targets, why);
  if (err != PM_OK) {
    pm_targets_free(targets);
    return err;
  }
  *out = targets;
  return PM_OK;
}

void pm_targets_free(struct pm_targets *targets) {
  if (!targets) return;
  free(targets->entries);
  free(targets);
}
