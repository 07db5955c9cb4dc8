/* What the core's parts offer each other. Internal to gossip/. The parts are one topic each:
 *
 *   gossip.c    init, step, deadline         admit.c    what is heard: testimony, contact, revival
 *   dial.c      which probe goes out now     result.c   what a probe's end means
 *   round.c     pulls: whom, when, what for  answer.c   what a pull brought; hints
 *   serve.c     what others are told         sampling.c who stays when the table is full
 *   active.c    who is probed every interval bounds.c   the checks that never trust the rest
 */
#ifndef PM_GOSSIP_CORE_H
#define PM_GOSSIP_CORE_H

#include "gossip/state.h"

/* gossip.c */
uint64_t pm_core_nonce(struct pm_gossip *g);
int64_t pm_core_jitter_ms(struct pm_gossip *g, int64_t ms, unsigned percent);
uint32_t pm_core_verified(const struct pm_gossip *g);
bool pm_core_keyed(const struct pm_gossip *g);
void pm_core_change(struct pm_gossip *g, enum pm_change kind, enum pm_refusal_reason reason,
                    const struct pm_member *m, const struct pm_contact *contact);
/* NULL if this step can send no more. */
struct pm_gossip_send *pm_core_send(struct pm_gossip *g);
void pm_core_drop(struct pm_gossip *g, struct pm_member *m);
uint64_t pm_core_key(const struct pm_gossip *g, const struct pm_contact *contact);

/* admit.c */
void pm_admit_entry(struct pm_gossip *g, struct pm_member *source,
                    const struct pm_wire_entry *entry, unsigned quorum, unsigned *quota);
unsigned pm_admit_quorum(const struct pm_gossip *g, const struct pm_member *source);
void pm_admit_contact(struct pm_gossip *g, const struct pm_contact *contact,
                      const struct pm_ip *source);
void pm_admit_restored(struct pm_gossip *g, const struct pm_contact *contact);
void pm_admit_tombstone(struct pm_gossip *g, const struct pm_gossip_tombstone *lost);
void pm_admit_local(struct pm_gossip *g, const struct pm_contact *contact);
void pm_admit_remove_local(struct pm_gossip *g, const struct pm_contact *contact);
void pm_admit_candidate(struct pm_gossip *g, struct pm_member *m, enum pm_dial reason);
void pm_admit_leave_source(struct pm_gossip *g, struct pm_member *m);

/* dial.c */
void pm_dial_enqueue(struct pm_gossip *g, struct pm_member *m);
void pm_dial_dequeue(struct pm_gossip *g, struct pm_member *m);
void pm_dial_pump(struct pm_gossip *g);
/* False if this step can send no more. */
bool pm_dial_probe(struct pm_gossip *g, struct pm_member *m, enum pm_dial reason);
void pm_dial_fill(struct pm_gossip *g, struct pm_member *m, enum pm_dial reason,
                  struct pm_gossip_send *out);
void pm_dial_request(struct pm_gossip *g, const struct pm_member *m, bool pull,
                     struct pm_wire_request *out);
struct pm_time pm_dial_deadline(const struct pm_gossip *g);
/* Strangers' word has proved true of late: what one source alone says will soon be tried. */
bool pm_dial_speculates(const struct pm_gossip *g);
/* How long it takes to dial those that wait. */
int64_t pm_dial_backlog_ms(const struct pm_gossip *g);
/* When a member may be probed again by its own wish (its answers' pace). */
struct pm_time pm_dial_welcome(const struct pm_gossip *g, const struct pm_member *m);
void pm_dial_settle(struct pm_gossip *g, struct pm_member *m, bool success);

/* result.c */
void pm_result_pong(struct pm_gossip *g, const struct pm_gossip_event *event);
void pm_result_failed(struct pm_gossip *g, struct pm_member *m, enum pm_refusal_reason reason);
void pm_result_alive(struct pm_gossip *g, struct pm_member *m);
void pm_result_resolved(struct pm_gossip *g, const struct pm_gossip_event *event);
/* The answer is this member's own word, unless its identity is another one's. */
void pm_result_own_word(struct pm_gossip *g, const struct pm_member *m);
void pm_result_pace(struct pm_gossip *g, struct pm_member *m, uint32_t pace_s);
void pm_result_reach(struct pm_gossip *g, const struct pm_member *from, enum pm_wire_reach reach);
/* The identity and MAC of an answer to what we sent to m; NONE if both are right. */
enum pm_refusal_reason pm_result_judge(struct pm_gossip *g, const struct pm_member *m,
                                       const struct pm_wire_pong *pong, uint64_t nonce, bool pull);

/* round.c */
void pm_round_init(struct pm_gossip *g);
void pm_round_run(struct pm_gossip *g);
struct pm_time pm_round_deadline(const struct pm_gossip *g);
void pm_round_end(struct pm_gossip *g, bool answered);

/* answer.c */
void pm_answer_take(struct pm_gossip *g, const struct pm_gossip_event *event);

/* serve.c */
void pm_serve_request(struct pm_gossip *g, const struct pm_gossip_event *event);
bool pm_serve_listable(const struct pm_gossip *g, const struct pm_member *m);

/* sampling.c */
uint64_t pm_sampling_rank(const struct pm_gossip *g, const struct pm_ip *ip);
/* NONE if it may take a place, else why not. */
enum pm_refusal_reason pm_sampling_admits(struct pm_gossip *g, const struct pm_member *m,
                                          const struct pm_contact *contact);
/* Makes room for one more; false if nobody gives way to this rank. */
bool pm_sampling_make_room(struct pm_gossip *g, uint64_t rank);
/* A member came (+1) or went (-1). */
void pm_sampling_count(struct pm_gossip *g, const struct pm_member *m, int by);

/* active.c */
void pm_active_add(struct pm_gossip *g, struct pm_member *m);
void pm_active_remove(struct pm_gossip *g, struct pm_member *m);
void pm_active_run(struct pm_gossip *g);

#endif
