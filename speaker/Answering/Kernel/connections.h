// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// What becomes of TCP connections when an address moves: what began here stays, the rest is sent on to the address's former owner, whose
// kernel knows it. Part of ingress.bpf.c.

#define TCP_FIN 1
#define TCP_PSH 8
#define ICMP_UNREACHABLE 3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER 12
#define ICMP_LENGTH 8
#define NEXT_HEADER_ICMP 1
#define NEXT_HEADER_FRAGMENT 44
#define FRAGMENT_LENGTH 8
#define MORE_FRAGMENTS 0x2000
#define DROP TC_ACT_SHOT

// As long as conntrack remembers a connection that both sides have closed (nf_conntrack_tcp_timeout_time_wait).
#define CLOSED_FOR (120000 * MILLISECOND)

// As long as hosts wait for the rest of a packet (net.ipv4.ipfrag_time).
#define FRAGMENT_FOR (30000 * MILLISECOND)

// About a second, and how many connections are sent on in one for the first time at most: a port scan of segments without SYN asks no
// more of the former owner. Whoever is held back sends again.
#define WINDOW_BITS 30
#define MOST_NEW 16384

struct connection {
	struct address client;
	struct address vip;
	__u16 client_port; // network order
	__u16 vip_port;
};

struct fragment {
	__u32 link;
	__u32 id; // network order; of IPv4 in the upper half
	struct address client;
	struct address vip;
};

// TCP connections that began here; the least used are forgotten first. 0, or when a segment came last since the client has closed it: its
// ports may be another connection's by then.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct connection);
	__type(value, __u64);
} lb_here SEC(".maps");

// Those of which only the SYN came yet. Apart, so that a flood of them pushes nothing out but its like.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct connection);
	__type(value, __u64);
} lb_begun SEC(".maps");

// Those that are sent on; the value as in lb_here.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct connection);
	__type(value, __u64);
} lb_elsewhere SEC(".maps");

// Packets whose first fragment was sent on, and when: the others have no ports.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct fragment);
	__type(value, __u64);
} lb_fragments SEC(".maps");

// The former owner of an address that moved as planned: its hardware address; 0 once it is lost.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vip_key);
	__type(value, __u64);
} lb_formers SEC(".maps");

// Whose former owner is lost is told at once (RFC 9293 §3.10.7.1): the node's own kernel would take such a segment for a connection that it
// did not see begin, and be silent or send it to any pod. Left to it are IPv4 options, and what a reset must not answer.
static __always_inline int reset(const struct turn *t, const struct ethernet *e, const struct connection *c, __u32 offset, const struct tcp *s)
{
	struct __sk_buff *skb = t->skb;
	__u32 length = offset + TCP_LENGTH;
	int is_ipv4 = skb->protocol == bpf_htons(ETH_P_IP);
	if ((s->flags & TCP_RST) || !(s->flags & TCP_ACK) || offset != (is_ipv4 ? 34 : 54))
		return NEXT;

	struct tcp_reset r = { .source = s->destination, .destination = s->source, .sequence = s->acknowledgment, .offset = 5 << 4, .flags = TCP_RST };

	// From a virtual card the frame may still wait for its checksum; the field holds the sum of the pseudo header then, in the answer too.
	__be16 found;
	if (bpf_skb_load_bytes(skb, offset + 16, &found, sizeof(found)))
		return NEXT;
	__u32 addresses = is_ipv4 ? sum16(c->vip.octets + 12, 4) + sum16(c->client.octets + 12, 4) : sum16(c->vip.octets, 16) + sum16(c->client.octets, 16);
	__u16 size;
	if (bpf_skb_load_bytes(skb, is_ipv4 ? 16 : 18, &size, sizeof(size)))
		return NEXT;
	__u32 segment = bpf_ntohs(size) - (is_ipv4 ? 20 : 0);
	int is_partial = bpf_ntohs(found) == (__u16)~fold(addresses + NEXT_HEADER_TCP + segment);
	__u32 pseudo = addresses + NEXT_HEADER_TCP + TCP_LENGTH;
	r.checksum = bpf_htons(is_partial ? (__u16)~fold(pseudo) : fold(pseudo + sum16(&r, TCP_LENGTH)));

	struct ethernet back = { .type = skb->protocol };
	__builtin_memcpy(back.destination, e->source, 6);
	__builtin_memcpy(back.source, e->destination, 6);
	if (is_ipv4) {
		struct ipv4 p = { .ethernet = back, .version_length = 0x45, .length = bpf_htons(40), .fragment = bpf_htons(0x4000), .time_to_live = 64, .protocol = NEXT_HEADER_TCP };
		__builtin_memcpy(p.source, c->vip.octets + 12, 4);
		__builtin_memcpy(p.destination, c->client.octets + 12, 4);
		p.checksum = bpf_htons(fold(sum16((__u8 *)&p + 14, 20)));
		if (bpf_skb_change_tail(skb, length, 0) || bpf_skb_store_bytes(skb, 0, &p, sizeof(p), BPF_F_INVALIDATE_HASH))
			return NEXT;
	} else {
		struct ipv6 p = { .ethernet = back, .version = 0x60, .length = bpf_htons(TCP_LENGTH), .next_header = NEXT_HEADER_TCP, .hop_limit = 64 };
		__builtin_memcpy(p.source, c->vip.octets, 16);
		__builtin_memcpy(p.destination, c->client.octets, 16);
		if (bpf_skb_change_tail(skb, length, 0) || bpf_skb_store_bytes(skb, 0, &p, sizeof(p), BPF_F_INVALIDATE_HASH))
			return NEXT;
	}
	if (bpf_skb_store_bytes(skb, offset, &r, TCP_LENGTH, 0))
		return NEXT;
	__sync_fetch_and_add(&t->counts->reset, 1);
	return bpf_redirect(skb->ifindex, 0);
}

// Whether a connection is in a map. One that the client closed a while ago is not, and what comes with its ports is another; who sends
// data has not closed it, whatever somebody else may have said in its name.
static __always_inline int is_known(const struct turn *t, void *map, const struct connection *c, __u8 flags)
{
	__u64 *closed = bpf_map_lookup_elem(map, c);
	if (!closed)
		return 0;
	if (*closed && t->now - *closed > CLOSED_FOR) {
		bpf_map_delete_elem(map, c);
		return 0;
	}
	if (flags & (TCP_FIN | TCP_RST))
		*closed = t->now;
	else if (*closed)
		*closed = flags & TCP_PSH ? 0 : t->now;
	return 1;
}

static __always_inline int began_here(const struct turn *t, const struct connection *c, __u8 flags)
{
	if (is_known(t, &lb_here, c, flags))
		return 1;
	if (!bpf_map_lookup_elem(&lb_begun, c))
		return 0;
	__u64 closed = flags & (TCP_FIN | TCP_RST) ? t->now : 0;
	bpf_map_update_elem(&lb_here, c, &closed, BPF_ANY);
	bpf_map_delete_elem(&lb_begun, c);
	return 1;
}

// What a speaker's node sent on is not sent on again: nothing can circle.
static __always_inline __u64 *former_owner(const struct turn *t, const struct vip_key *key, const struct ethernet *e)
{
	__u64 *former = t->now < t->link->kept ? bpf_map_lookup_elem(&lb_formers, key) : 0;
	return former && !is_peer(t, read_mac(e->source)) ? former : 0;
}

static __always_inline int send_on(const struct turn *t, __u64 former)
{
	__u8 addresses[12];
	write_mac(addresses, former);
	write_mac(addresses + 6, t->link->mac);
	if (bpf_skb_store_bytes(t->skb, 0, addresses, sizeof(addresses), BPF_F_RECOMPUTE_CSUM))
		return NEXT;
	__sync_fetch_and_add(&t->counts->sent_on, 1);
	return bpf_redirect(t->skb->ifindex, 0);
}

static __always_inline int is_one_too_many(const struct turn *t)
{
	__u64 window = t->now >> WINDOW_BITS;
	if (t->counts->window != window) {
		t->counts->window = window;
		t->counts->fresh = 0;
	}
	if (t->counts->fresh >= MOST_NEW) {
		__sync_fetch_and_add(&t->counts->held_back, 1);
		return 1;
	}
	__sync_fetch_and_add(&t->counts->fresh, 1);
	return 0;
}

// Whether frames for an address are this node's to judge: it has it, or had it until a moment ago, and hosts have not heard yet that it is
// elsewhere. As a deputy it answers only.
static __always_inline int is_owned(const struct turn *t, const struct vip_key *key, const struct ethernet *e)
{
	if (read_mac(e->destination) != t->link->mac)
		return 0;
	struct vip *vip = bpf_map_lookup_elem(&lb_vips, key);
	return vip ? vip->mac == t->link->mac : bpf_map_lookup_elem(&lb_formers, key) != 0;
}

static __always_inline int on_segment(const struct turn *t, const struct ethernet *e, struct connection *c, __u32 offset)
{
	struct vip_key key = { .link = t->skb->ifindex, .vip = c->vip };
	struct tcp segment;
	if (!is_owned(t, &key, e) || bpf_skb_load_bytes(t->skb, offset, &segment, sizeof(segment)))
		return NEXT;
	c->client_port = segment.source;
	c->vip_port = segment.destination;

	// A SYN in the name of an open connection is for the kernel that has it: it may be anybody's.
	int begins = (segment.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	__u64 *former = former_owner(t, &key, e);
	if (begins) {
		__u64 *closed = former && *former ? bpf_map_lookup_elem(&lb_elsewhere, c) : 0;
		if (closed && !*closed)
			return send_on(t, *former);
		bpf_map_delete_elem(&lb_elsewhere, c);
		bpf_map_update_elem(&lb_begun, c, &t->now, BPF_ANY);
		return NEXT;
	}
	if (began_here(t, c, segment.flags) || !former)
		return NEXT;
	if (*former == 0)
		return reset(t, e, c, offset, &segment);
	if (!is_known(t, &lb_elsewhere, c, segment.flags)) {
		if (is_one_too_many(t))
			return DROP;
		__u64 closed = segment.flags & (TCP_FIN | TCP_RST) ? t->now : 0;
		bpf_map_update_elem(&lb_elsewhere, c, &closed, BPF_ANY);
	}
	return send_on(t, *former);
}

// Fragments after the first have no ports: they follow it.
static __always_inline int on_fragment(const struct turn *t, const struct ethernet *e, struct fragment *f)
{
	f->link = t->skb->ifindex;
	__u64 *at = bpf_map_lookup_elem(&lb_fragments, f);
	if (!at || t->now - *at > FRAGMENT_FOR)
		return NEXT;
	struct vip_key key = { .link = f->link, .vip = f->vip };
	__u64 *former = is_owned(t, &key, e) ? former_owner(t, &key, e) : 0;
	return former && *former ? send_on(t, *former) : NEXT;
}

static __always_inline int on_first_fragment(const struct turn *t, struct fragment *f, int verdict)
{
	f->link = t->skb->ifindex;
	if (verdict == TC_ACT_REDIRECT)
		bpf_map_update_elem(&lb_fragments, f, &t->now, BPF_ANY);
	return verdict;
}

// What a router says of a packet of ours is for the kernel that sent it: without it large packets are lost for good (RFC 1191). Only of
// connections that are sent on already.
static __always_inline int on_error(const struct turn *t, const struct ethernet *e, struct connection *c, __u32 ports)
{
	struct vip_key key = { .link = t->skb->ifindex, .vip = c->vip };
	struct { __be16 source, destination; } quoted;
	if (!is_owned(t, &key, e) || bpf_skb_load_bytes(t->skb, ports, &quoted, sizeof(quoted)))
		return NEXT;
	c->client_port = quoted.destination;
	c->vip_port = quoted.source;
	__u64 *former = former_owner(t, &key, e);
	if (!former || !*former || !bpf_map_lookup_elem(&lb_elsewhere, c))
		return NEXT;
	return send_on(t, *former);
}

static __always_inline int on_icmp(const struct turn *t, const struct ipv4 *f, __u32 offset)
{
	__u8 type;
	struct ipv4 quoted;
	if (bpf_skb_load_bytes(t->skb, offset, &type, sizeof(type)) || (type != ICMP_UNREACHABLE && type != ICMP_TIME_EXCEEDED && type != ICMP_PARAMETER))
		return NEXT;
	offset += ICMP_LENGTH;
	if (bpf_skb_load_bytes(t->skb, offset, &quoted.version_length, sizeof(quoted) - sizeof(struct ethernet)))
		return NEXT;
	__u32 length = (quoted.version_length & 15) * 4;
	if (quoted.protocol != NEXT_HEADER_TCP || length < 20 || (quoted.fragment & bpf_htons(0x1FFF)))
		return NEXT;
	struct connection c = { .client = mapped(quoted.destination), .vip = mapped(quoted.source) };
	struct address to = mapped(f->destination);
	return same16(to.octets, c.vip.octets) ? on_error(t, &f->ethernet, &c, offset + length) : NEXT;
}

static __always_inline int on_icmpv6(const struct turn *t, const struct ipv6 *f)
{
	struct ipv6 quoted;
	__u32 offset = sizeof(struct ipv6) + ICMP_LENGTH;
	if (bpf_skb_load_bytes(t->skb, offset, &quoted.version, sizeof(quoted) - sizeof(struct ethernet)) || quoted.next_header != NEXT_HEADER_TCP)
		return NEXT;
	struct connection c = {};
	__builtin_memcpy(c.client.octets, quoted.destination, 16);
	__builtin_memcpy(c.vip.octets, quoted.source, 16);
	return same16(f->destination, c.vip.octets) ? on_error(t, &f->ethernet, &c, offset + sizeof(quoted) - sizeof(struct ethernet)) : NEXT;
}

static __always_inline int on_ipv4(const struct turn *t)
{
	struct ipv4 f;
	if (bpf_skb_load_bytes(t->skb, 0, &f, sizeof(f)) || f.version_length >> 4 != 4)
		return NEXT;
	__u32 length = (f.version_length & 15) * 4, offset = sizeof(struct ethernet) + length;
	if (length < 20)
		return NEXT;
	int is_later = (f.fragment & bpf_htons(0x1FFF)) != 0;
	if (f.protocol == NEXT_HEADER_ICMP && !is_later)
		return on_icmp(t, &f, offset);
	if (f.protocol != NEXT_HEADER_TCP)
		return NEXT;
	struct connection c = { .client = mapped(f.source), .vip = mapped(f.destination) };
	struct fragment part = { .id = (__u32)f.id << 16, .client = c.client, .vip = c.vip };
	if (is_later)
		return on_fragment(t, &f.ethernet, &part);
	int verdict = on_segment(t, &f.ethernet, &c, offset);
	return f.fragment & bpf_htons(MORE_FRAGMENTS) ? on_first_fragment(t, &part, verdict) : verdict;
}

static __always_inline int on_ipv6(const struct turn *t)
{
	struct ipv6 f;
	if (bpf_skb_load_bytes(t->skb, 0, &f, sizeof(f)) || f.version >> 4 != 6)
		return NEXT;
	__u32 offset = sizeof(f);
	if (f.next_header == NEXT_HEADER_ICMPV6) {
		__u8 type;
		if (bpf_skb_load_bytes(t->skb, offset, &type, sizeof(type)))
			return NEXT;
		return type >= 1 && type <= 4 ? on_icmpv6(t, &f) : on_ndp(t);
	}
	struct connection c = {};
	__builtin_memcpy(c.client.octets, f.source, 16);
	__builtin_memcpy(c.vip.octets, f.destination, 16);
	if (f.next_header == NEXT_HEADER_TCP)
		return on_segment(t, &f.ethernet, &c, offset);

	struct { __u8 next_header, reserved; __be16 place; __be32 id; } header;
	if (f.next_header != NEXT_HEADER_FRAGMENT || bpf_skb_load_bytes(t->skb, offset, &header, sizeof(header)) || header.next_header != NEXT_HEADER_TCP)
		return NEXT;
	struct fragment part = { .id = header.id, .client = c.client, .vip = c.vip };
	return header.place & bpf_htons(0xFFF8)
		? on_fragment(t, &f.ethernet, &part)
		: on_first_fragment(t, &part, on_segment(t, &f.ethernet, &c, offset + FRAGMENT_LENGTH));
}
