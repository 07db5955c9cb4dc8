#include "node/mesh_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

enum { PATH_BYTES = 4096, LINE_BYTES = 256 };

static const char HEAD[] = "pingmesh-mesh 1";
static const char NAME[] = "mesh.state";

/* --- text ------------------------------------------------------------------------------------- */

void pm_mesh_state_format(const struct pm_node_id *id, const struct pm_gossip *core,
                          struct pm_buf *out) {
  struct pm_gossip_member member;
  uint32_t cursor = 0;
  pm_buf_printf(out, "%s\nid ", HEAD);
  for (size_t i = 0; i < PM_NODE_ID_BYTES; i++) pm_buf_printf(out, "%02x", id->bytes[i]);
  pm_buf_char(out, '\n');
  while (pm_gossip_next(core, &cursor, &member)) {
    char text[PM_CONTACT_TEXT_BYTES];
    if (member.state != PM_MEMBER_VERIFIED && member.state != PM_MEMBER_SUSPECT) continue;
    pm_contact_text(&member.contact, text);
    if (text[0]) pm_buf_printf(out, "member %s\n", text);
  }
  pm_buf_text(out, "end\n");
}

static bool read_id(const char *hex, struct pm_node_id *out) {
  if (strlen(hex) != (size_t)2 * PM_NODE_ID_BYTES) return false;
  for (size_t i = 0; i < PM_NODE_ID_BYTES; i++) {
    int high = pm_hex_value(hex[2 * i]), low = pm_hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out->bytes[i] = (uint8_t)(high * 16 + low);
  }
  return pm_node_id_is_set(out);
}

struct reading {
  struct pm_mesh_state state;
  size_t members_max;
  size_t line;
  bool ended;
};

static bool read_line(struct reading *reading, const char *line) {
  struct pm_mesh_state *state = &reading->state;
  struct pm_contact contact;
  if (reading->line == 1) return strcmp(line, HEAD) == 0;
  if (reading->line == 2) return strncmp(line, "id ", 3) == 0 && read_id(line + 3, &state->id);
  if (strcmp(line, "end") == 0) {
    reading->ended = true;
    return true;
  }
  if (strncmp(line, "member ", 7) != 0) return false;
  if (pm_contact_from_text(line + 7, &contact) != PM_OK) return false;
  if (contact.ip.family == PM_IP_NONE) return false;
  if (state->count < reading->members_max) state->members[state->count++] = contact;
  return true;
}

enum pm_err pm_mesh_state_parse(const char *text, size_t members_max, struct pm_mesh_state *out,
                                struct pm_why *why) {
  struct reading reading = {.members_max = members_max};
  reading.state.members = calloc(members_max ? members_max : 1, sizeof *reading.state.members);
  if (!reading.state.members) return pm_why_set(why, PM_ERR_NOMEM, "no memory for the saved mesh");
  bool ok = true;
  while (ok && *text && !reading.ended) {
    char line[LINE_BYTES];
    size_t length = strcspn(text, "\n");
    reading.line++;
    ok = text[length] == '\n' && length < sizeof line;
    if (!ok) break;
    memcpy(line, text, length);
    line[length] = '\0';
    ok = read_line(&reading, line);
    text += length + 1;
  }
  if (ok && reading.ended) {
    *out = reading.state;
    return PM_OK;
  }
  free(reading.state.members);
  if (ok) return pm_why_set(why, PM_ERR_SYNTAX, "it ends before its last line");
  return pm_why_set(why, PM_ERR_SYNTAX, "line %zu is not what a node writes there", reading.line);
}

void pm_mesh_state_deinit(struct pm_mesh_state *state) {
  free(state->members);
  state->members = NULL;
  state->count = 0;
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
