#include "queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <libnetfilter_queue/libnetfilter_queue.h>

#include "held.h"

enum {
  KERNEL_HOLDS_MAX = PM_HELD_MAX,    /* of netfilter's queue: what the heap has room for */
  SOCKET_BYTES = 32 << 20,           /* for bursts of a few thousand packets while we sleep */
  MESSAGE_BYTES = 8192,              /* a packet's headers and netfilter's attributes */
  FLOWS = 4096,                      /* whose order is kept; two in one place order each other */
  CLOCK_MISMATCH_NS_MAX = 500000000, /* of a kernel stamp: beyond, the time of day was set */
};

static const int64_t ns_per_s = 1000000000;

struct pm_queue {
  struct pm_queue_config config;
  struct nfq_handle *netfilter;
  struct nfq_q_handle *handle;
  int timer, stop, poll; /* -1: not open */
  pthread_t thread;
  bool has_thread, has_priority;
  pthread_mutex_t lock; /* of links, which the commands' thread reads and sets */
  struct pm_link links[PM_LAB_HOSTS][PM_LAB_HOSTS];
  struct pm_held_heap held;
  int64_t flow_due_ns[FLOWS];
  struct pm_handshakes *handshakes;
};

static int64_t now_ns(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  return at.tv_sec * ns_per_s + at.tv_nsec;
}

static struct pm_link *link_of(struct pm_queue *queue, const struct pm_packet *packet) {
  return &queue->links[pm_packet_host(packet->source)][pm_packet_host(packet->destination)];
}

static void count(struct pm_link *link, const struct pm_packet *packet, enum pm_link_fate fate) {
  bool lost = fate != PM_LINK_PASSES;
  link->counts.packets++;
  link->counts.lost += fate == PM_LINK_LOSES;
  link->counts.cut += fate == PM_LINK_IS_CUT;
  if (!packet->syn) return;
  *(packet->ack ? &link->counts.synacks : &link->counts.syns) += 1;
  *(packet->ack ? &link->counts.synacks_lost : &link->counts.syns_lost) += lost;
}

static enum pm_link_fate draw(struct pm_queue *queue, const struct pm_packet *packet,
                              int64_t *out_delay_ns) {
  pthread_mutex_lock(&queue->lock);
  struct pm_link *link = link_of(queue, packet);
  enum pm_link_fate fate = pm_link_draw(link, out_delay_ns);
  count(link, packet, fate);
  pthread_mutex_unlock(&queue->lock);
  return fate;
}

/* Jitter on a path comes from waiting lines, in which nobody overtakes. */
static int64_t due_in_order(struct pm_queue *queue, const struct pm_packet *packet,
                            int64_t due_ns) {
  int64_t *last = &queue->flow_due_ns[pm_packet_flow_hash(packet) % FLOWS];
  if (due_ns < *last) due_ns = *last;
  *last = due_ns;
  return due_ns;
}

/* The delay counts from the packet's arrival at the bridge, which the kernel has stamped with the
 * time of day; how long it waited for this thread is therefore no part of it. */
static int64_t arrival_ns(struct nfq_data *data, int64_t *out_wall_ns) {
  struct timeval stamp;
  int64_t now = now_ns(CLOCK_MONOTONIC);
  *out_wall_ns = now_ns(CLOCK_REALTIME);
  if (nfq_get_timestamp(data, &stamp) != 0) return now;
  int64_t waited = *out_wall_ns - (stamp.tv_sec * ns_per_s + stamp.tv_usec * 1000);
  if (waited < 0 || waited > CLOCK_MISMATCH_NS_MAX) return now;
  *out_wall_ns -= waited;
  return now - waited;
}

static void overflow(struct pm_queue *queue, const struct pm_packet *packet) {
  pthread_mutex_lock(&queue->lock);
  link_of(queue, packet)->counts.overflowed++;
  pthread_mutex_unlock(&queue->lock);
}

static bool take(struct pm_queue *queue, struct nfq_data *data, uint32_t id,
                 const struct pm_packet *packet) {
  struct pm_handshake_event event = {.packet = *packet};
  int64_t wall_ns, delay_ns = 0;
  event.at_ns = arrival_ns(data, &wall_ns);
  bool lost = draw(queue, packet, &delay_ns) != PM_LINK_PASSES;
  pm_handshakes_arrived(queue->handshakes, &event, wall_ns, lost);
  if (lost) return false;
  struct pm_held item = {.due_ns = due_in_order(queue, packet, event.at_ns + delay_ns),
                         .packet_id = id,
                         .packet = *packet};
  if (pm_held_push(&queue->held, item)) return true;
  overflow(queue, packet);
  return false;
}

static int on_packet(struct nfq_q_handle *handle, struct nfgenmsg *message, struct nfq_data *data,
                     void *owner) {
  struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(data);
  struct pm_packet packet;
  unsigned char *payload;
  (void)message;
  if (header == NULL) return 0;
  uint32_t id = ntohl(header->packet_id);
  int len = nfq_get_payload(data, &payload);
  if (len < 0 || !pm_packet_read(payload, (size_t)len, &packet)) {
    return nfq_set_verdict(handle, id, NF_ACCEPT, 0, NULL); /* nothing that a link is set for */
  }
  if (!take(owner, data, id, &packet)) return nfq_set_verdict(handle, id, NF_DROP, 0, NULL);
  return 0;
}

static void note_lateness(struct pm_queue *queue, const struct pm_packet *packet, int64_t late_ns) {
  pthread_mutex_lock(&queue->lock);
  struct pm_link_counts *counts = &link_of(queue, packet)->counts;
  if (late_ns > counts->late_ns_max) counts->late_ns_max = late_ns;
  pthread_mutex_unlock(&queue->lock);
}

/* Within the call that gives the verdict the packet goes all the way into the other host's TCP,
 * which takes 20 to 100 µs by how cold the caches are: the middle of the call is the nearest to it.
 */
static void release_due(struct pm_queue *queue) {
  const struct pm_held *first;
  int64_t now = now_ns(CLOCK_MONOTONIC);
  while ((first = pm_held_first(&queue->held)) != NULL && first->due_ns <= now) {
    struct pm_held item = *first;
    pm_held_pop(&queue->held);
    nfq_set_verdict(queue->handle, item.packet_id, NF_ACCEPT, 0, NULL);
    int64_t begun = now;
    now = now_ns(CLOCK_MONOTONIC);
    int64_t half = (now - begun) / 2;
    struct pm_handshake_event event = {
        .packet = item.packet, .at_ns = begun + half, .unsure_ns = half};
    pm_handshakes_released(queue->handshakes, &event);
    note_lateness(queue, &item.packet, begun - item.due_ns);
  }
}

static void set_timer(struct pm_queue *queue) {
  const struct pm_held *first = pm_held_first(&queue->held);
  struct itimerspec at = {0};
  if (first != NULL) {
    at.it_value.tv_sec = first->due_ns / ns_per_s;
    at.it_value.tv_nsec = first->due_ns % ns_per_s;
  }
  timerfd_settime(queue->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* What is due goes out between any two packets that come in. */
static void receive(struct pm_queue *queue) {
  char message[MESSAGE_BYTES] __attribute__((aligned));
  int fd = nfq_fd(queue->netfilter);
  ssize_t len;
  while ((len = recv(fd, message, sizeof(message), MSG_DONTWAIT)) > 0 ||
         (len < 0 && errno == ENOBUFS)) {
    if (len > 0) nfq_handle_packet(queue->netfilter, message, (int)len);
    release_due(queue);
  }
}

static void take_priority(struct pm_queue *queue) {
  struct sched_param parameters = {.sched_priority = queue->config.priority};
  queue->has_priority = queue->config.priority > 0 &&
                        pthread_setschedparam(queue->thread, SCHED_FIFO, &parameters) == 0;
}

static void *serve(void *owner) {
  struct pm_queue *queue = owner;
  struct epoll_event event;
  for (;;) {
    if (epoll_wait(queue->poll, &event, 1, -1) < 0 && errno != EINTR) return NULL;
    if (event.data.fd == queue->stop) return NULL;
    receive(queue);
    release_due(queue);
    set_timer(queue); /* which also takes back that it has fired */
  }
}

static bool bind_queue(struct pm_queue *queue) {
  int bytes = SOCKET_BYTES;
  queue->netfilter = nfq_open();
  if (queue->netfilter == NULL) return false;
  queue->handle = nfq_create_queue(queue->netfilter, queue->config.number, on_packet, queue);
  if (queue->handle == NULL) return false;
  setsockopt(nfq_fd(queue->netfilter), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
  /* Large segments pass as one packet, as they do between two hosts on a bridge. */
  return nfq_set_mode(queue->handle, NFQNL_COPY_PACKET, PM_PACKET_BYTES) >= 0 &&
         nfq_set_queue_maxlen(queue->handle, KERNEL_HOLDS_MAX) >= 0 &&
         nfq_set_queue_flags(queue->handle, NFQA_CFG_F_GSO, NFQA_CFG_F_GSO) >= 0;
}

static bool watch(struct pm_queue *queue, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  return fd >= 0 && epoll_ctl(queue->poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool start(struct pm_queue *queue) {
  queue->handshakes = pm_handshakes_new(queue->config.record);
  if (queue->handshakes == NULL || !pm_held_init(&queue->held) || !bind_queue(queue)) return false;
  queue->poll = epoll_create1(EPOLL_CLOEXEC);
  queue->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  queue->stop = eventfd(0, EFD_CLOEXEC);
  if (!watch(queue, nfq_fd(queue->netfilter)) || !watch(queue, queue->timer) ||
      !watch(queue, queue->stop)) {
    return false;
  }
  queue->has_thread = pthread_create(&queue->thread, NULL, serve, queue) == 0;
  if (queue->has_thread) take_priority(queue);
  return queue->has_thread;
}

static void init_links(struct pm_queue *queue) {
  for (uint32_t from = 0; from < PM_LAB_HOSTS; from++) {
    for (uint32_t to = 0; to < PM_LAB_HOSTS; to++) {
      uint64_t link = (uint64_t)queue->config.number << 32 | from << 16 | to;
      pm_link_init(&queue->links[from][to], queue->config.seed ^ link * 0x9e3779b97f4a7c15);
    }
  }
}

struct pm_queue *pm_queue_open(const struct pm_queue_config *config) {
  struct pm_queue *queue = calloc(1, sizeof(*queue));
  if (queue == NULL) return NULL;
  queue->config = *config;
  queue->timer = queue->stop = queue->poll = -1;
  pthread_mutex_init(&queue->lock, NULL);
  init_links(queue);
  if (!start(queue)) {
    perror("pm_delayer: a netfilter queue cannot be served");
    pm_queue_close(queue);
    return NULL;
  }
  return queue;
}

static void close_descriptor(int fd) {
  if (fd >= 0) close(fd);
}

void pm_queue_close(struct pm_queue *queue) {
  uint64_t one = 1;
  if (queue->has_thread && write(queue->stop, &one, sizeof(one)) == sizeof(one)) {
    pthread_join(queue->thread, NULL);
  }
  if (queue->handle != NULL) nfq_destroy_queue(queue->handle);
  if (queue->netfilter != NULL) nfq_close(queue->netfilter);
  close_descriptor(queue->timer);
  close_descriptor(queue->stop);
  close_descriptor(queue->poll);
  pm_held_deinit(&queue->held);
  pm_handshakes_free(queue->handshakes);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}

void pm_queue_set(struct pm_queue *queue, uint32_t source, uint32_t destination,
                  const struct pm_link_settings *settings) {
  pthread_mutex_lock(&queue->lock);
  queue->links[source][destination].settings = *settings;
  pthread_mutex_unlock(&queue->lock);
}

void pm_queue_counts_add(struct pm_queue *queue, uint32_t source, uint32_t destination,
                         struct pm_link_counts *sum) {
  pthread_mutex_lock(&queue->lock);
  pm_link_counts_add(sum, &queue->links[source][destination].counts);
  pthread_mutex_unlock(&queue->lock);
}

bool pm_queue_has_priority(const struct pm_queue *queue) {
  return queue->has_priority;
}
