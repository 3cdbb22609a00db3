using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>What a peer claims, as far as it is known, and what it and this node ask each other about it.</summary>
internal sealed class PeerClaims
{
    // That of the last claims taken in.
    private ulong sequence;

    // While all its claims are on their way: those that came already, and what sums up all of them. Frames get lost: what one sending lacks another
    // has, as long as they are the same claims.
    private HashSet<IpAddress>? dump;
    private ulong dumpDigest;

    private TimeSpan requestAt;
    private int requests;
    private TimeSpan dumpAt;
    private int dumps;

    /// <summary>The claims; kept from its former run until the present one serves.</summary>
    public ClaimSet Known { get; } = new();

    /// <summary>The digest of its claims as it last told.</summary>
    public ulong Digest { get; set; }

    /// <summary>It asked for ours.</summary>
    public bool DumpDue { get; set; }

    /// <summary>Whether all are known.</summary>
    public bool AreKnown => Known.Digest == Digest;

    /// <summary>What is known of the claims of the same interface before its link was opened anew.</summary>
    public void Remember(PeerClaims former) => sequence = former.sequence;

    /// <summary>Another run of its speaker begins: what it owned is still its own; deputy it is no more.</summary>
    /// <returns>Whether that changed anything.</returns>
    public bool BeginRun()
    {
        sequence = 0;
        return Known.RemoveDeputies();
    }

    /// <summary>Takes in a message of it about claims.</summary>
    /// <param name="frame">The message.</param>
    /// <param name="peer">Whose it is.</param>
    /// <param name="ownName">This node's name on the wire.</param>
    /// <param name="self">The same.</param>
    /// <param name="changes">Receives what changed.</param>
    /// <returns>Whether that changed anything.</returns>
    public bool Take(in HeartbeatFrame frame, Peer peer, ReadOnlySpan<byte> ownName, string self, ClaimChanges changes)
    {
        // An older statement must not undo a newer one; what is missing then is asked for.
        if (frame.Sequence <= sequence)
        {
            return false;
        }

        sequence = frame.Sequence;
        var message = frame.Claims;
        var subject = message.Subject.SequenceEqual(peer.NodeBytes) ? peer.Identity.Node
            : message.Subject.SequenceEqual(ownName) ? self
            : Encoding.ASCII.GetString(message.Subject);
        if (message.IsFirst && (dump is null || dumpDigest != frame.ClaimDigest))
        {
            dump = [];
            dumpDigest = frame.ClaimDigest;
        }

        // Only what it says under the digest of all of them is one of them: what was broadcast before or since, and released unheard, is none.
        var among = dumpDigest == frame.ClaimDigest ? dump : null;
        var changed = false;
        foreach (var claim in message.Read(subject))
        {
            // Only the owner can say that it owns; a deputy speaks of somebody else.
            if (claim.Kind == ClaimKind.Released || claim.Kind == ClaimKind.Deputy == (subject != peer.Identity.Node))
            {
                if (Known.Set(claim))
                {
                    changes.Note(claim.Vip);
                    changed = true;
                }

                if (claim.Kind != ClaimKind.Released)
                {
                    among?.Add(claim.Vip);
                }
            }
        }

        if (message.IsLast && among is { } complete && Known.DigestOf(complete) == dumpDigest)
        {
            dump = null;
            if (Known.Retain(complete))
            {
                changes.NoteAll();
                changed = true;
            }
        }

        return changed;
    }

    /// <summary>What the node claimed from an interface that this one replaces is its own still.</summary>
    public void Inherit(ClaimSet claims)
    {
        foreach (var claim in claims.All)
        {
            if (claim.Kind != ClaimKind.Deputy && Known[claim.Vip] is null)
            {
                Known.Set(claim);
            }
        }
    }

    /// <summary>Whether it is to be sent all of ours now: it asked, and not a moment ago.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="timings">The waiting times.</param>
    /// <param name="asked">How often it did, this time included, without a pause between.</param>
    public bool TakeDump(TimeSpan now, MembershipTimings timings, out int asked)
    {
        asked = dumps;
        if (!DumpDue || now < dumpAt)
        {
            return false;
        }

        DumpDue = false;
        asked = dumps = now - dumpAt < timings.ClaimPatience + timings.LongestRequestInterval ? dumps + 1 : 1;
        dumpAt = now + timings.RequestInterval;
        return true;
    }

    /// <summary>All of them are known: the next time they are asked for as at first.</summary>
    public void EndRequests() => requests = 0;

    /// <summary>Whether they are to be asked for now.</summary>
    public bool TakeRequest(TimeSpan now, MembershipTimings timings)
    {
        if (now < requestAt)
        {
            return false;
        }

        requestAt = now + timings.RequestAfter(++requests);
        return true;
    }
}
