// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// What the programs share with the speaker. Hardware addresses are numbers, the first octet in the highest place of 48 bits; times are
// nanoseconds of the boot clock (CLOCK_BOOTTIME), which the speaker decides by as well. KernelMaps.cs has the same layouts.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAX_LINKS 256

struct address {
	__u8 octets[16]; // IPv4 as ::ffff:a.b.c.d
};

struct vip_key {
	__u32 link; // the interface's index
	struct address vip;
};

struct vip {
	__u64 mac;      // what is answered: this link's, or as deputy the owner's
	__u64 muted_at; // when another was heard to have it while no speaker was here
};

struct link_state {
	__u64 until; // no answer from then on
	__u64 beat;  // when the speaker said so
	__u64 kept;  // no segment is sent on from then on
	__u64 mac;   // the link's own
	__u32 slot;  // of its counters
	__u32 peers; // whether other speakers have to be heard for answers without a speaker here
	__u32 wants; // WANTS_…: what is not to be hidden from the speaker
	__u32 zero;
};

// Everything: it does not know yet what concerns it, or is in doubt about somebody.
#define WANTS_ALL 1
// Now and then one that is of no concern: it looks for hosts to be witnesses.
#define WANTS_STRANGERS 2
// The link hands over frames to other hosts, too.
#define WANTS_NOT_OTHERS 4

// One reader maps them into its memory; nothing else is written there.
struct counts {
	__u64 arp;       // requests answered
	__u64 ndp;       // solicitations answered
	__u64 sent_on;   // segments sent on to a former owner
	__u64 muted;     // addresses muted
	__u64 heard;     // when a peer's frame came last
	__u64 lapsed_at; // when it had been too long
	__u64 reset;     // segments answered with a reset
	__u64 held_back; // segments dropped, since too many connections were to be sent on for the first time in this second
	__u64 window;    // this second
	__u64 fresh;     // how many were sent on for the first time in it
	__u64 spare[6];
};

// What the filter of the speaker's socket has hidden from it; mapped as well.
struct hidden {
	__u64 foreign;   // frames that concern nobody here
	__u64 answered;  // requests that the other program answers
	__u64 passed_at; // when such a frame was last let through all the same
	__u64 spare;
};

// A prefix of a pool: of how many bits of struct address.
struct pool_key {
	__u32 length;
	struct address address;
};

struct peer_key {
	__u32 link;
	__u32 zero;
	__u64 mac;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_LINKS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct link_state);
} lb_links SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_LINKS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct counts);
} lb_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vip_key);
	__type(value, struct vip);
} lb_vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct peer_key);
	__type(value, __u64);
} lb_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_LINKS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hidden);
} lb_hidden SEC(".maps");

// What is in a pool concerns the speaker: it looks after strangers that use it.
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pool_key);
	__type(value, __u32);
} lb_pools SEC(".maps");

// When an address of a pool was last asked for: what is asked for is announced first when it comes here.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct vip_key);
	__type(value, __u64);
} lb_asked SEC(".maps");

// Whether a request was hidden on this processor that the other program has not answered yet.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_LINKS);
	__type(key, __u32);
	__type(value, __u32);
} lb_owed SEC(".maps");
