#include "node/mesh_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

enum { PATH_BYTES = 4096, LINE_BYTES = 256, NUMBER_DIGITS = 18 };

static const char HEAD[] = "pingmesh-mesh 2";
static const char HEAD_1[] = "pingmesh-mesh 1";
static const char NAME[] = "mesh.state";

/* --- text: writing ---------------------------------------------------------------------------- */

static void put_member(const struct pm_gossip_member *member, struct pm_buf *out) {
  char text[PM_CONTACT_TEXT_BYTES];
  pm_contact_text(&member->contact, text);
  if (text[0] == '\0') return;
  if (member->state == PM_MEMBER_VERIFIED || member->state == PM_MEMBER_SUSPECT)
    pm_buf_printf(out, "member %s\n", text);
  else if (member->state == PM_MEMBER_LOST)
    pm_buf_printf(out, "lost %s %" PRId64 " %" PRId64 " %u\n", text, member->state_s,
                  member->last_ok_s, member->tries);
}

static void put_refused(const struct pm_gossip_refused *refused, struct pm_buf *out) {
  int64_t contact_s = refused->contact_wait_s > 0 ? refused->contact_wait_s : 0;
  pm_buf_printf(out, "refused %016" PRIx64 " %" PRId64 " %" PRId64 " %u %u\n", refused->key,
                refused->wait_s, contact_s, refused->times, refused->contacts);
}

static long long thousandths(float value) {
  return llroundf(value * 1000);
}

/* What is never 0 does not become it. */
static long long thousandths_up(float value) {
  return (long long)ceilf(value * 1000);
}

static void put_coordinate(const struct pm_gossip *core, struct pm_buf *out) {
  struct pm_gossip_status status;
  pm_gossip_status(core, &status);
  const struct pm_vivaldi *own = &status.coordinate;
  if (!pm_vivaldi_valid(own) || own->error >= 1) return; /* has learned nothing yet */
  pm_buf_text(out, "coordinate");
  for (int i = 0; i < PM_VIVALDI_DIMENSIONS; i++)
    pm_buf_printf(out, " %lld", thousandths(own->at_ms[i]));
  pm_buf_printf(out, " %lld %lld\n", thousandths_up(own->height_ms), thousandths_up(own->error));
}

void pm_mesh_state_format(const struct pm_node_id *id, const struct pm_gossip *core,
                          struct pm_wall now, struct pm_buf *out) {
  struct pm_gossip_member member;
  struct pm_gossip_refused refused;
  uint32_t cursor = 0;
  pm_buf_printf(out, "%s\nid ", HEAD);
  for (size_t i = 0; i < PM_NODE_ID_BYTES; i++) pm_buf_printf(out, "%02x", id->bytes[i]);
  pm_buf_printf(out, "\nkey %016" PRIx64 "\nsaved %" PRId64 "\n", pm_gossip_key_seed(core),
                now.ns / PM_NS_PER_S);
  put_coordinate(core, out);
  while (pm_gossip_next(core, &cursor, &member)) put_member(&member, out);
  cursor = 0;
  while (pm_gossip_next_refused(core, &cursor, &refused)) put_refused(&refused, out);
  pm_buf_text(out, "end\n");
}

/* --- text: reading ---------------------------------------------------------------------------- */

struct reading {
  struct pm_mesh_state state;
  size_t members_max;
  size_t line;
  unsigned version;
  bool ended;
};

static bool read_hex(const char *hex, size_t bytes, uint8_t *out) {
  if (strlen(hex) != 2 * bytes) return false;
  for (size_t i = 0; i < bytes; i++) {
    int high = pm_hex_value(hex[2 * i]), low = pm_hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = (uint8_t)(high * 16 + low);
  }
  return true;
}

static bool read_hex64(const char *hex, uint64_t *out) {
  uint8_t bytes[8];
  if (!read_hex(hex, sizeof bytes, bytes)) return false;
  *out = 0;
  for (size_t i = 0; i < sizeof bytes; i++) *out = *out << 8 | bytes[i];
  return true;
}

static bool read_id(const char *hex, struct pm_node_id *out) {
  return read_hex(hex, PM_NODE_ID_BYTES, out->bytes) && pm_node_id_is_set(out);
}

/* Digits alone, at most NUMBER_DIGITS of them: no sign, and nothing that could overflow. */
static bool read_number(const char *text, int64_t *out) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > NUMBER_DIGITS || text[digits] != '\0') return false;
  *out = 0;
  for (size_t i = 0; i < digits; i++) *out = *out * 10 + (text[i] - '0');
  return true;
}

/* Cuts the line at its blanks; false unless it has exactly so many words. */
static bool split(char *line, char **words, size_t count) {
  for (size_t i = 0; i < count; i++) {
    words[i] = line;
    line = strchr(line, ' ');
    if (!line) return i + 1 == count;
    *line++ = '\0';
  }
  return false;
}

static bool read_contact(const char *text, struct pm_contact *out) {
  return pm_contact_from_text(text, out) == PM_OK && out->ip.family != PM_IP_NONE;
}

static bool read_coordinate(char *text, struct pm_vivaldi *out) {
  enum { NUMBERS = PM_VIVALDI_DIMENSIONS + 2 };
  char *words[NUMBERS];
  float values[NUMBERS];
  if (!split(text, words, NUMBERS)) return false;
  for (int i = 0; i < NUMBERS; i++) {
    bool negative = words[i][0] == '-';
    int64_t number;
    if (!read_number(words[i] + negative, &number)) return false;
    values[i] = (negative ? -1 : 1) * (float)number / 1000;
  }
  struct pm_vivaldi coordinate = {.height_ms = values[NUMBERS - 2], .error = values[NUMBERS - 1]};
  memcpy(coordinate.at_ms, values, sizeof coordinate.at_ms);
  *out = coordinate;
  return pm_vivaldi_valid(&coordinate);
}

static bool read_member(struct reading *reading, const char *text) {
  struct pm_mesh_state *state = &reading->state;
  struct pm_contact contact;
  if (!read_contact(text, &contact)) return false;
  if (state->count < reading->members_max) state->members[state->count++] = contact;
  return true;
}

static bool read_lost(struct reading *reading, char *text) {
  struct pm_mesh_state *state = &reading->state;
  struct pm_gossip_tombstone lost;
  char *words[4];
  int64_t tries;
  if (!split(text, words, 4) || !read_contact(words[0], &lost.contact)) return false;
  if (!read_number(words[1], &lost.lost_s) || !read_number(words[2], &lost.last_ok_s)) return false;
  if (!read_number(words[3], &tries) || tries > UINT8_MAX) return false;
  lost.tries = (unsigned)tries;
  if (state->lost_count < reading->members_max) state->lost[state->lost_count++] = lost;
  return true;
}

static bool read_refused(struct reading *reading, char *text) {
  struct pm_mesh_state *state = &reading->state;
  struct pm_gossip_refused refused;
  char *words[5];
  int64_t times, contacts;
  if (!split(text, words, 5) || !read_hex64(words[0], &refused.key)) return false;
  if (!read_number(words[1], &refused.wait_s)) return false;
  if (!read_number(words[2], &refused.contact_wait_s)) return false;
  if (!read_number(words[3], &times) || times > UINT8_MAX) return false;
  if (!read_number(words[4], &contacts) || contacts > UINT8_MAX) return false;
  refused.times = (unsigned)times;
  refused.contacts = (unsigned)contacts;
  if (state->refused_count < 2 * reading->members_max)
    state->refused[state->refused_count++] = refused;
  return true;
}

static bool read_head(struct reading *reading, const char *line) {
  if (strcmp(line, HEAD) == 0)
    reading->version = 2;
  else if (strcmp(line, HEAD_1) == 0)
    reading->version = 1;
  return reading->version != 0;
}

static bool read_saved(const char *text, struct pm_wall *out) {
  int64_t seconds;
  if (!read_number(text, &seconds) || seconds > INT64_MAX / PM_NS_PER_S) return false;
  out->ns = seconds * PM_NS_PER_S;
  return true;
}

static bool starts(const char *line, const char *word) {
  return strncmp(line, word, strlen(word)) == 0;
}

static bool read_line(struct reading *reading, char *line) {
  struct pm_mesh_state *state = &reading->state;
  if (reading->line == 1) return read_head(reading, line);
  if (reading->line == 2) return starts(line, "id ") && read_id(line + 3, &state->id);
  bool whole = reading->version > 1;
  if (whole && reading->line == 3)
    return starts(line, "key ") && read_hex64(line + 4, &state->key_seed);
  if (whole && reading->line == 4)
    return starts(line, "saved ") && read_saved(line + 6, &state->saved);
  if (strcmp(line, "end") == 0) return reading->ended = true;
  if (whole && starts(line, "coordinate ")) return read_coordinate(line + 11, &state->coordinate);
  if (starts(line, "member ")) return read_member(reading, line + 7);
  if (whole && starts(line, "lost ")) return read_lost(reading, line + 5);
  return whole && starts(line, "refused ") && read_refused(reading, line + 8);
}

static bool allocate(struct pm_mesh_state *state, size_t members_max) {
  size_t most = members_max ? members_max : 1;
  state->members = calloc(most, sizeof *state->members);
  state->lost = calloc(most, sizeof *state->lost);
  state->refused = calloc(2 * most, sizeof *state->refused);
  return state->members && state->lost && state->refused;
}

/* False at the line that is not what a node writes. */
static bool read_lines(struct reading *reading, const char *text) {
  char line[LINE_BYTES];
  while (*text && !reading->ended) {
    size_t length = strcspn(text, "\n");
    reading->line++;
    if (text[length] != '\n' || length >= sizeof line) return false;
    memcpy(line, text, length);
    line[length] = '\0';
    if (!read_line(reading, line)) return false;
    text += length + 1;
  }
  return true;
}

enum pm_err pm_mesh_state_parse(const char *text, size_t members_max, struct pm_mesh_state *out,
                                struct pm_why *why) {
  struct reading reading = {.members_max = members_max};
  bool memory = allocate(&reading.state, members_max);
  bool ok = memory && read_lines(&reading, text);
  if (ok && reading.ended) {
    *out = reading.state;
    return PM_OK;
  }
  pm_mesh_state_deinit(&reading.state);
  if (!memory) return pm_why_set(why, PM_ERR_NOMEM, "no memory for the saved mesh");
  if (ok) return pm_why_set(why, PM_ERR_SYNTAX, "it ends before its last line");
  return pm_why_set(why, PM_ERR_SYNTAX, "line %zu is not what a node writes there", reading.line);
}

void pm_mesh_state_deinit(struct pm_mesh_state *state) {
  free(state->members);
  free(state->lost);
  free(state->refused);
  *state = (struct pm_mesh_state){.id = state->id};
}

/* --- file ------------------------------------------------------------------------------------- */

static enum pm_err failed(struct pm_why *why, const char *what, const char *path) {
  return pm_why_set(why, PM_ERR_IO, "--state-dir: %s cannot be %s: %s", path, what,
                    strerror(errno));
}

enum pm_err pm_mesh_state_read(const char *dir, size_t members_max, struct pm_mesh_state *out,
                               struct pm_why *why) {
  char path[PATH_BYTES], part[16384];
  snprintf(path, sizeof path, "%s/%s", dir, NAME);
  FILE *file = fopen(path, "re");
  if (!file && errno == ENOENT) return PM_ERR_MISSING;
  if (!file) return failed(why, "read", path);
  struct pm_buf text;
  pm_buf_init(&text, PM_MESH_STATE_BYTES_MAX);
  size_t got;
  while ((got = fread(part, 1, sizeof part, file)) > 0) pm_buf_append(&text, part, got);
  bool broken = ferror(file) != 0;
  enum pm_err err = broken ? failed(why, "read", path) : pm_buf_status(&text);
  fclose(file);
  struct pm_why reason;
  if (err == PM_OK && (err = pm_mesh_state_parse(text.data, members_max, out, &reason)) != PM_OK)
    pm_why_set(why, err, "--state-dir: %s is damaged: %s", path, reason.text);
  pm_buf_deinit(&text);
  return err;
}

static bool write_whole(int fd, const char *text, size_t bytes) {
  while (bytes > 0) {
    ssize_t put = write(fd, text, bytes);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text += put;
    bytes -= (size_t)put;
  }
  return fsync(fd) == 0;
}

enum pm_err pm_mesh_state_write(const char *dir, const char *text, size_t bytes,
                                struct pm_why *why) {
  char path[PATH_BYTES], beside[PATH_BYTES];
  int length = snprintf(path, sizeof path, "%s/%s", dir, NAME);
  if (length < 0 || (size_t)length + 5 > sizeof beside)
    return pm_why_set(why, PM_ERR_IO, "--state-dir: the path is too long");
  snprintf(beside, sizeof beside, "%s/%s.new", dir, NAME);
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed(why, "written", beside);
  bool whole = write_whole(fd, text, bytes);
  int error = errno;
  bool closed = close(fd) == 0;
  if (whole && closed && rename(beside, path) == 0) return PM_OK;
  if (!whole) errno = error;
  enum pm_err err = failed(why, "written", beside);
  unlink(beside);
  return err;
}
