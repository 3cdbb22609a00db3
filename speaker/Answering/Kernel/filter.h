// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
// The filter of the speaker's packet socket: what the speaker need not see does not wake it. It takes the place of the classic filter of
// PcapLink.cs, and lets through what that lets through except for
//   - requests and solicitations whose sender and target are in no pool, which concern nobody here;
//   - those of the same senders for addresses of pools that this node does not announce: when they came is remembered (lb_asked);
//   - ARP requests that lb_ingress answers, as long as it does: a socket sees a frame before tc does, and on the same processor; what was hidden and
//     not answered lets everything through there until the next answer;
//   - frames of a VLAN, whose interface is a link of its own.
// What is hidden is counted: that it came in shows that the link hears. What is not understood is let through.

#define WHOLE 0xFFFF
#define HIDE 0
#define PACKET_OUTGOING 4
#define NEIGHBOR_SOLICITATION 135
#define NEIGHBOR_ADVERTISEMENT 136

// One in so long is let through to be a witness; four are wanted.
#define STRANGERS_EVERY (100 * MILLISECOND)

// From the Ethernet header on, wherever the socket's data begins; the second form reads what is not in one piece.
static __always_inline int load(struct __sk_buff *skb, __u32 offset, void *to, __u32 length)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, length, BPF_HDR_START_MAC) && bpf_skb_load_bytes(skb, offset, to, length);
}

static __always_inline int is_in_pool(const struct address *address)
{
	struct pool_key key = { .length = 128, .address = *address };
	return bpf_map_lookup_elem(&lb_pools, &key) != 0;
}

static __always_inline int hide(const struct turn *t, struct hidden *hidden, __u64 *count)
{
	if ((t->link->wants & WANTS_STRANGERS) && t->now - hidden->passed_at >= STRANGERS_EVERY) {
		hidden->passed_at = t->now;
		return WHOLE;
	}
	__sync_fetch_and_add(count, 1);
	return HIDE;
}

// The sender is in no pool. Whether the target is ours is looked at first: what pools there are may be older news.
static __always_inline int hide_question(const struct turn *t, struct hidden *hidden, const struct address *target)
{
	if (is_in_pool(target)) {
		struct vip_key key = { .link = t->skb->ifindex, .vip = *target };
		bpf_map_update_elem(&lb_asked, &key, &t->now, BPF_ANY);
	}
	return hide(t, hidden, &hidden->foreign);
}

static __always_inline int filter_arp(const struct turn *t, struct hidden *hidden)
{
	struct arp f;
	if (load(t->skb, 0, &f, ARP_LENGTH) || !is_arp(t, &f) || f.operation != bpf_htons(1))
		return WHOLE;
	struct address sender = mapped(f.sender), target = mapped(f.target);
	if (is_in_pool(&sender))
		return WHOLE;
	if (!find_vip(t, &target))
		return hide_question(t, hidden, &target);

	__u32 *owed = bpf_map_lookup_elem(&lb_owed, &t->link->slot);
	if (!owed || *owed || same16(sender.octets, target.octets) || !asked_for(t, &f, &target))
		return WHOLE;
	*owed = 1;
	return hide(t, hidden, &hidden->answered);
}

static __always_inline int filter_ndp(const struct turn *t, struct hidden *hidden)
{
	struct ndp f;
	if (load(t->skb, 0, &f, NDP_LENGTH) || f.version >> 4 != 6 || f.type != NEIGHBOR_SOLICITATION)
		return WHOLE;
	struct address sender, target;
	__builtin_memcpy(sender.octets, f.source, 16);
	__builtin_memcpy(target.octets, f.target, 16);
	return is_in_pool(&sender) || find_vip(t, &target) ? WHOLE : hide_question(t, hidden, &target);
}

SEC("socket")
int lb_filter(struct __sk_buff *skb)
{
	__u16 type = bpf_ntohs(skb->protocol);
	if (skb->pkt_type == PACKET_OUTGOING || (type != ETH_P_ARP && type != ETH_P_IPV6 && type != ETH_P_PEER))
		return HIDE;
	if (type == ETH_P_IPV6) {
		__u8 next_header, message;
		if (load(skb, 20, &next_header, 1) || load(skb, 54, &message, 1) || next_header != NEXT_HEADER_ICMPV6 ||
		    (message != NEIGHBOR_SOLICITATION && message != NEIGHBOR_ADVERTISEMENT))
			return HIDE;
	}

	__u32 index = skb->ifindex;
	struct turn t = { .skb = skb, .link = bpf_map_lookup_elem(&lb_links, &index) };
	if (!t.link)
		return WHOLE;
	t.counts = bpf_map_lookup_elem(&lb_counts, &t.link->slot);
	struct hidden *hidden = bpf_map_lookup_elem(&lb_hidden, &t.link->slot);
	if (!t.counts || !hidden)
		return WHOLE;
	t.now = bpf_ktime_get_boot_ns();

	struct ethernet e;
	if ((t.link->wants & WANTS_NOT_OTHERS) && !load(skb, 0, &e, sizeof(e)) && !(e.destination[0] & 1) && read_mac(e.destination) != t.link->mac)
		return HIDE;
	if (t.link->wants & WANTS_ALL)
		return WHOLE;
	if (skb->vlan_present && (skb->vlan_tci & 0xFFF)) {
		__sync_fetch_and_add(&hidden->foreign, 1);
		return HIDE;
	}
	return type == ETH_P_ARP ? filter_arp(&t, hidden) : type == ETH_P_IPV6 ? filter_ndp(&t, hidden) : WHOLE;
}
