// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// What a node's kernel does by itself with frames that come in on a link: it answers ARP requests and neighbour solicitations for the
// addresses in lb_vips, by the rules of ArpResponder.cs and NdpResponder.cs, and sends the segments of TCP connections that began at the
// former owner of an address on to it. All else goes on to whoever comes next, untouched. docs/kernel.md says why.
//
// Octets are read with bpf_skb_load_bytes and not through packet pointers: to a process without CAP_PERFMON the verifier refuses sums of a
// packet pointer and a number that it does not know. For the same reason loops over octets on the stack are unrolled.
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include "maps.h"

char lb_license[] SEC("license") = "Dual BSD/GPL";

#define NEXT TC_ACT_UNSPEC
#define ETH_P_PEER 0x88B5
#define MILLISECOND 1000000ULL
#define BROADCAST 0xFFFFFFFFFFFFULL

// The speaker says until when to answer every 100 ms; whoever has not been heard for three times that is not there.
#define GONE_AFTER (300 * MILLISECOND)

// Peers say hello once a second. What they announce when they take over goes on for 4.4 s, so that a cut that was shorter than this is
// noticed by that.
#define PEERS_SILENT_AFTER (2500 * MILLISECOND)

#define ARP_LENGTH 42
#define ARP_REPLY_LENGTH 60
#define NDP_LENGTH 78
#define NDP_REPLY_LENGTH 86
#define NEXT_HEADER_ICMPV6 58
#define NEXT_HEADER_TCP 6
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16
#define TCP_LENGTH 20
#define OPTION 8
#define MOST_OPTIONS 16

struct ethernet {
	__u8 destination[6];
	__u8 source[6];
	__be16 type;
} __attribute__((packed));

struct arp {
	struct ethernet ethernet;
	__be16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__be16 operation;
	__u8 sender_mac[6];
	__u8 sender[4];
	__u8 target_mac[6];
	__u8 target[4];
} __attribute__((packed));

struct ipv4 {
	struct ethernet ethernet;
	__u8 version_length, service;
	__be16 length, id, fragment;
	__u8 time_to_live, protocol;
	__be16 checksum;
	__u8 source[4], destination[4];
} __attribute__((packed));

struct ipv6 {
	struct ethernet ethernet;
	__u8 version, traffic;
	__be16 flow;
	__be16 length;
	__u8 next_header, hop_limit;
	__u8 source[16], destination[16];
} __attribute__((packed));

struct tcp {
	__be16 source, destination;
	__be32 sequence, acknowledgment;
	__u8 offset, flags;
} __attribute__((packed));

struct tcp_reset {
	__be16 source, destination;
	__be32 sequence, acknowledgment;
	__u8 offset, flags;
	__be16 window, checksum, urgent;
} __attribute__((packed));

struct ndp {
	struct ethernet ethernet;
	__u8 version, traffic;
	__be16 flow;
	__be16 length;
	__u8 next_header, hop_limit;
	__u8 source[16], destination[16];
	__u8 type, code;
	__be16 checksum;
	__u8 flags, reserved[3];
	__u8 target[16];
} __attribute__((packed));

struct turn {
	struct __sk_buff *skb;
	struct link_state *link;
	struct counts *counts;
	__u64 now;
};

static __always_inline __u64 read_mac(const __u8 *m)
{
	return (__u64)m[0] << 40 | (__u64)m[1] << 32 | (__u64)m[2] << 24 | (__u64)m[3] << 16 | (__u64)m[4] << 8 | m[5];
}

static __always_inline void write_mac(__u8 *m, __u64 mac)
{
	m[0] = mac >> 40;
	m[1] = mac >> 32;
	m[2] = mac >> 24;
	m[3] = mac >> 16;
	m[4] = mac >> 8;
	m[5] = mac;
}

static __always_inline int is_station(__u64 mac)
{
	return mac != 0 && !(mac >> 40 & 1);
}

static __always_inline int same16(const __u8 *a, const __u8 *b)
{
#pragma unroll
	for (int i = 0; i < 16; i++)
		if (a[i] != b[i])
			return 0;
	return 1;
}

static __always_inline struct vip *find_vip(const struct turn *t, const struct address *vip)
{
	struct vip_key key = { .link = t->skb->ifindex, .vip = *vip };
	return bpf_map_lookup_elem(&lb_vips, &key);
}

static __always_inline struct address mapped(const __u8 *ipv4)
{
	struct address a = { .octets = { [10] = 0xFF, [11] = 0xFF } };
	__builtin_memcpy(a.octets + 12, ipv4, 4);
	return a;
}

static __always_inline int is_alone(const struct turn *t)
{
	return t->now - t->link->beat > GONE_AFTER;
}

// Whether this node may answer: not past the fence, and without a speaker not when the others may have been cut off from here.
static __always_inline int may_answer(const struct turn *t)
{
	if (t->now >= t->link->until)
		return 0;
	if (is_alone(t) && t->link->peers) {
		if (t->counts->lapsed_at > t->link->beat)
			return 0;
		if (t->now - t->counts->heard > PEERS_SILENT_AFTER) {
			t->counts->lapsed_at = t->now;
			return 0;
		}
	}
	return 1;
}

// Somebody says that an address is at a hardware address. With a speaker here that is for it to judge; without one, whoever speaks has it.
static __always_inline void hear_claim(const struct turn *t, struct vip *vip, __u64 mac)
{
	if (vip && is_alone(t) && mac != vip->mac && mac != t->link->mac && is_station(mac)) {
		vip->muted_at = t->now;
		__sync_fetch_and_add(&t->counts->muted, 1);
	}
}

static __always_inline int is_muted(const struct turn *t, const struct vip *vip)
{
	return vip->muted_at > t->link->beat;
}

// The frame becomes the answer and leaves where it came in.
static __always_inline int answer(const struct turn *t, void *frame, __u32 length, __u64 *count)
{
	struct __sk_buff *skb = t->skb;
	if (skb->vlan_present && bpf_skb_vlan_pop(skb))
		return NEXT;
	if (bpf_skb_change_tail(skb, length, 0) || bpf_skb_store_bytes(skb, 0, frame, length, BPF_F_INVALIDATE_HASH))
		return NEXT;
	__sync_fetch_and_add(count, 1);
	__u32 *owed = bpf_map_lookup_elem(&lb_owed, &t->link->slot);
	if (owed)
		*owed = 0;
	return bpf_redirect(skb->ifindex, 0);
}

// An ARP packet of somebody else, of IPv4 on Ethernet.
static __always_inline int is_arp(const struct turn *t, const struct arp *f)
{
	if (f->hardware != bpf_htons(1) || f->protocol != bpf_htons(ETH_P_IP) || f->hardware_length != 6 || f->protocol_length != 4)
		return 0;
	__u64 asker = read_mac(f->sender_mac), source = read_mac(f->ethernet.source);
	return is_station(asker) && is_station(source) && asker != t->link->mac && source != t->link->mac;
}

// The address that such a packet asks for, if it is for the program to answer.
static __always_inline struct vip *asked_for(const struct turn *t, const struct arp *f, const struct address *target)
{
	__u64 destination = read_mac(f->ethernet.destination);
	if (f->operation != bpf_htons(1) || (destination != BROADCAST && destination != t->link->mac))
		return 0;
	struct vip *vip = find_vip(t, target);
	return !vip || vip->mac == read_mac(f->sender_mac) || is_muted(t, vip) || !may_answer(t) ? 0 : vip;
}

static __always_inline int on_arp(const struct turn *t)
{
	struct arp f;
	if (bpf_skb_load_bytes(t->skb, 0, &f, ARP_LENGTH) || !is_arp(t, &f))
		return NEXT;

	__u64 asker = read_mac(f.sender_mac);
	struct address sender = mapped(f.sender), target = mapped(f.target);
	hear_claim(t, find_vip(t, &sender), asker);
	if (same16(sender.octets, target.octets))
		return NEXT;

	struct vip *vip = asked_for(t, &f, &target);
	if (!vip)
		return NEXT;

	__u8 reply[ARP_REPLY_LENGTH] = {};
	struct arp *r = (struct arp *)reply;
	write_mac(r->ethernet.destination, asker);
	write_mac(r->ethernet.source, t->link->mac);
	r->ethernet.type = bpf_htons(ETH_P_ARP);
	r->hardware = f.hardware;
	r->protocol = f.protocol;
	r->hardware_length = 6;
	r->protocol_length = 4;
	r->operation = bpf_htons(2);
	write_mac(r->sender_mac, vip->mac);
	__builtin_memcpy(r->sender, f.target, 4);
	write_mac(r->target_mac, asker);
	__builtin_memcpy(r->target, f.sender, 4);
	return answer(t, reply, ARP_REPLY_LENGTH, &t->counts->arp);
}

static __always_inline __u32 sum16(const void *data, int length)
{
	const __u8 *octets = data;
	__u32 sum = 0;
#pragma unroll
	for (int i = 0; i < length; i += 2)
		sum += (__u32)octets[i] << 8 | octets[i + 1];
	return sum;
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	return ~sum;
}

// Neither unspecified, nor loopback, nor a group.
static __always_inline int is_host(const __u8 *a)
{
	__u8 any = 0;
#pragma unroll
	for (int i = 0; i < 15; i++)
		any |= a[i];
	return a[0] != 0xFF && (any || a[15] > 1);
}

// The solicited-node group of any address: ff02::1:ff00:0/104.
static __always_inline int is_solicited_node(const __u8 *a)
{
	return a[0] == 0xFF && a[1] == 0x02 && !(a[2] | a[3] | a[4] | a[5] | a[6] | a[7] | a[8] | a[9] | a[10]) && a[11] == 1 && a[12] == 0xFF;
}

static __always_inline int is_all_nodes(const __u8 *a)
{
	__u8 between = 0;
#pragma unroll
	for (int i = 2; i < 15; i++)
		between |= a[i];
	return a[0] == 0xFF && a[1] == 0x02 && !between && a[15] == 1;
}

// The link-layer address among a message's options, and their part of the checksum. Negative if they are not valid, 0 without the option.
static __always_inline int read_options(const struct turn *t, int count, __u8 wanted, __u64 *mac, __u32 *sum)
{
	int skip = 0, found = 0;
	for (int i = 0; i < MOST_OPTIONS; i++) {
		if (i >= count)
			break;
		__u8 option[OPTION];
		if (bpf_skb_load_bytes(t->skb, NDP_LENGTH + i * OPTION, option, OPTION))
			return -1;
		*sum += sum16(option, OPTION);
		if (skip) {
			skip--;
			continue;
		}
		int length = option[1];
		if (length == 0 || length > count - i || (option[0] == wanted && length != 1))
			return -1;
		if (option[0] == wanted && !found) {
			*mac = read_mac(option + 2);
			found = 1;
		}
		skip = length - 1;
	}
	return found;
}

static __always_inline int advertise(const struct turn *t, const struct ndp *f, __u64 asker, __u64 mac, int unsolicited)
{
	__u8 reply[NDP_REPLY_LENGTH] = {};
	struct ndp *r = (struct ndp *)reply;
	if (unsolicited) {
		write_mac(r->ethernet.destination, 0x333300000001ULL);
		r->destination[0] = 0xFF;
		r->destination[1] = 0x02;
		r->destination[15] = 1;
		r->flags = 0x20;
	} else {
		write_mac(r->ethernet.destination, asker);
		__builtin_memcpy(r->destination, f->source, 16);
		r->flags = 0x60;
	}
	write_mac(r->ethernet.source, t->link->mac);
	r->ethernet.type = bpf_htons(ETH_P_IPV6);
	r->version = 0x60;
	r->length = bpf_htons(32);
	r->next_header = NEXT_HEADER_ICMPV6;
	r->hop_limit = 255;
	__builtin_memcpy(r->source, f->target, 16);
	r->type = 136;
	__builtin_memcpy(r->target, f->target, 16);
	reply[NDP_LENGTH] = 2;
	reply[NDP_LENGTH + 1] = 1;
	write_mac(reply + NDP_LENGTH + 2, mac);
	r->checksum = bpf_htons(fold(sum16(r->source, NDP_REPLY_LENGTH - 22) + 32 + NEXT_HEADER_ICMPV6));
	return answer(t, reply, NDP_REPLY_LENGTH, &t->counts->ndp);
}

static __always_inline int on_ndp(const struct turn *t)
{
	struct ndp f;
	if (bpf_skb_load_bytes(t->skb, 0, &f, NDP_LENGTH))
		return NEXT;
	__u32 length = bpf_ntohs(f.length);
	if (f.version >> 4 != 6 || f.next_header != NEXT_HEADER_ICMPV6 || (f.type != 135 && f.type != 136) || f.code != 0 || f.hop_limit != 255)
		return NEXT;

	// A longer message is valid perhaps; it is left to the process.
	if (length < 24 || length + 54 > t->skb->len || (length & 7) || length > 24 + OPTION * MOST_OPTIONS)
		return NEXT;

	__u64 given = 0;
	__u32 sum = sum16(f.source, NDP_LENGTH - 22) + length + NEXT_HEADER_ICMPV6;
	int has_mac = read_options(t, (length - 24) / OPTION, f.type == 135 ? 1 : 2, &given, &sum);
	if (has_mac < 0 || fold(sum) != 0 || !is_host(f.target))
		return NEXT;

	int detects = 1;
#pragma unroll
	for (int i = 0; i < 16; i++)
		detects &= f.source[i] == 0;
	detects &= f.type == 135;
	if (detects ? !is_solicited_node(f.destination) || has_mac : !is_host(f.source) || (has_mac && given == 0))
		return NEXT;

	__u64 source = read_mac(f.ethernet.source), asker = given ? given : source;
	if (!is_station(source) || (given >> 40 & 1) || source == t->link->mac || given == t->link->mac)
		return NEXT;

	struct address target;
	__builtin_memcpy(target.octets, f.target, 16);
	struct vip *vip = find_vip(t, &target);
	if (!vip)
		return NEXT;
	if (f.type == 136 || same16(f.source, f.target)) {
		hear_claim(t, vip, asker);
		return NEXT;
	}

	__u64 destination = read_mac(f.ethernet.destination);
	__u64 group = 0x333300000000ULL | (__u64)f.destination[12] << 24 | (__u64)f.destination[13] << 16 | (__u64)f.destination[14] << 8 | f.destination[15];
	if (destination != t->link->mac && !(f.destination[0] == 0xFF && destination == group))
		return NEXT;

	int to_group = is_solicited_node(f.destination) && f.destination[13] == f.target[13] && f.destination[14] == f.target[14] && f.destination[15] == f.target[15];
	if (!same16(f.destination, f.target) && !to_group && !is_all_nodes(f.destination))
		return NEXT;
	if (vip->mac == asker || is_muted(t, vip) || !may_answer(t))
		return NEXT;
	return advertise(t, &f, asker, vip->mac, detects);
}

static __always_inline int is_peer(const struct turn *t, __u64 mac)
{
	struct peer_key key = { .link = t->skb->ifindex, .mac = mac };
	return bpf_map_lookup_elem(&lb_peers, &key) != 0;
}

static __always_inline void on_peer(const struct turn *t)
{
	__u8 source[6];
	if (bpf_skb_load_bytes(t->skb, 6, source, 6) || !is_peer(t, read_mac(source)))
		return;

	// The first frame after a cut may be theirs, before anybody asks here.
	if (is_alone(t) && t->now - t->counts->heard > PEERS_SILENT_AFTER)
		t->counts->lapsed_at = t->now;
	t->counts->heard = t->now;
}

#include "connections.h"

SEC("tc")
int lb_ingress(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex;

	// Frames of a VLAN belong to its interface, which is a link of its own; a tag without a VLAN is only a priority.
	if (skb->vlan_present && (skb->vlan_tci & 0xFFF))
		return NEXT;

	__u16 type = bpf_ntohs(skb->protocol);
	if (type != ETH_P_IP && type != ETH_P_IPV6 && type != ETH_P_ARP && type != ETH_P_PEER)
		return NEXT;
	struct turn t = { .skb = skb, .link = bpf_map_lookup_elem(&lb_links, &index) };
	if (!t.link)
		return NEXT;
	t.counts = bpf_map_lookup_elem(&lb_counts, &t.link->slot);
	if (!t.counts)
		return NEXT;
	t.now = bpf_ktime_get_boot_ns();
	switch (type) {
	case ETH_P_IP:
		return on_ipv4(&t);
	case ETH_P_IPV6:
		return on_ipv6(&t);
	case ETH_P_ARP:
		return on_arp(&t);
	default:
		on_peer(&t);
		return NEXT;
	}
}

#include "filter.h"
