/* What the files of the mesh share, and nobody else sees: its state, and what each file offers the
 * others.
 *
 *   mesh.c         its life, and the core's steps      mesh_send.c    probes, pulls and lookups
 *   mesh_active.c  members that the prober pings       mesh_serve.c   what others ask
 *   mesh_save.c    what a restart is to find           mesh_report.c  what the log tells
 *   mesh_rows.c    rows of the matrix, ours and those of others
 */
#ifndef PM_NODE_MESH_PARTS_H
#define PM_NODE_MESH_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "gossip/gossip.h"
#include "gossip/rows.h"
#include "node/log_budget.h"
#include "node/mesh.h"
#include "node/mesh_key.h"
#include "node/mesh_state.h"
#include "probe/resolver.h"
#include "probe/slot.h"

/* A send of the core under way. */
struct pm_mesh_send {
  struct pm_mesh *mesh;
  struct pm_mesh_send *next; /* of the resting ones */
  bool busy;
  enum pm_gossip_send_kind kind;
  struct pm_gossip_token token;
  uint64_t exchange;
  struct pm_lookup lookup;
};

/* A member that the prober pings every interval. */
struct pm_mesh_pinged {
  uint64_t member;
  uint64_t target;
  int64_t delay_s; /* what it would be without the member's wish */
  bool own;        /* a person's target as well: it outlives the membership */
  bool asked;
  struct pm_gossip_token token;
  struct pm_node_id id; /* whose cell of our row it is; zero: nobody's yet */
  enum pm_cell_state state;
  struct pm_time set; /* the cell, last */
};

struct pm_mesh_reports {
  struct pm_log_budget budget;
  uint64_t revived; /* handle of the one that was just told of */
};

struct pm_mesh {
  struct pm_mesh_config config;
  struct pm_gossip *core;
  struct pm_gossip_update *update;
  struct pm_wire_answer answer; /* of the pull that is being read */
  struct pm_gossip_send ping;   /* of the planned ping that is being asked for */
  struct pm_buf query;
  struct pm_mesh_send sends[PM_MESH_SENDS_MAX];
  struct pm_mesh_send *resting;
  struct pm_mesh_pinged *pinged;
  size_t pinged_count, pinged_max;
  struct pm_mesh_reports reports;
  struct pm_rows *rows;
  struct pm_slot slot; /* the window that is being asked */
  uv_timer_t rows_timer;
  uv_timer_t timer;
  struct pm_mesh_keys keys;
  struct pm_node_id id;
  uv_timer_t save_timer;
  uv_work_t save;
  struct pm_buf saved; /* the text being written */
  struct pm_why save_why;
  enum pm_err save_err;
  bool save_failing; /* the one before, too: it has been said */
  bool saving;
  int handles; /* not closed yet */
  bool closing;
  void (*closed)(void *owner);
  void *closed_owner;
};

/* mesh.c */
void pm_mesh_step(struct pm_mesh *mesh, const struct pm_gossip_event *event);
/* Does what the update of a step says. */
void pm_mesh_carry_out(struct pm_mesh *mesh);
/* Frees it once it is closing and nothing of it is under way. */
void pm_mesh_finish_closing(struct pm_mesh *mesh);

/* mesh_send.c */
void pm_mesh_sends_init(struct pm_mesh *mesh);
/* If it could not be begun, the core is to be told so once the update is done with. */
enum pm_err pm_mesh_send_begin(struct pm_mesh *mesh, const struct pm_gossip_send *what) PM_MUST_USE;
void pm_mesh_send_failed(struct pm_mesh *mesh, enum pm_gossip_send_kind kind,
                         const struct pm_gossip_token *token);
void pm_mesh_sends_cancel(struct pm_mesh *mesh);
/* A probe's end; result NULL: there was none. */
void pm_mesh_tell_pong(struct pm_mesh *mesh, const struct pm_gossip_token *token,
                       const struct pm_exchange_result *result);
/* The contact as an endpoint with its address beside the name. */
enum pm_err pm_mesh_endpoint(const struct pm_contact *contact, const char *path,
                             struct pm_endpoint *out) PM_MUST_USE;
/* How an address came to us decides what it may be, again at each connect. */
enum pm_learned pm_mesh_learned(const struct pm_gossip_member *member);

/* mesh_active.c */
/* NULL if it is not pinged. */
struct pm_mesh_pinged *pm_mesh_find_pinged(struct pm_mesh *mesh, uint64_t member);
void pm_mesh_active_apply(struct pm_mesh *mesh, const struct pm_gossip_change *change);

/* mesh_rows.c */
/* PM_ERR_NOMEM. */
enum pm_err pm_mesh_rows_open(struct pm_mesh *mesh) PM_MUST_USE;
/* It is not pinged any more. */
void pm_mesh_rows_leave(struct pm_mesh *mesh, const struct pm_mesh_pinged *pinged);

/* mesh_save.c */
/* The identity and members of before, or a new identity. */
enum pm_err pm_mesh_load(const struct pm_mesh_config *config, struct pm_mesh_state *out,
                         struct pm_why *why) PM_MUST_USE;
void pm_mesh_restore(struct pm_mesh *mesh, const struct pm_mesh_state *state);
/* On the thread pool; nothing if that is under way, or nothing is to be kept. */
void pm_mesh_save(struct pm_mesh *mesh);

/* mesh_report.c */
void pm_mesh_report_init(struct pm_mesh *mesh);
void pm_mesh_report(struct pm_mesh *mesh, const struct pm_gossip_change *change);

#endif
