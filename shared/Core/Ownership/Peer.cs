using System.Buffers.Binary;
using System.Security.Cryptography;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>What a membership remembers of one peer's interface.</summary>
internal sealed class Peer
{
    private byte[] identityBytes;
    private uint identityShape;

    public Peer(in HeartbeatFrame frame)
    {
        identityBytes = frame.IdentityBytes.ToArray();
        identityShape = frame.IdentityShape;
        Identity = frame.ReadIdentity();
        NodeBytes = frame.Node.ToArray();
        LinkBytes = frame.Link.ToArray();
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(NodeBytes, hash);
        NameHash = BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    public byte[] NodeBytes { get; }

    public byte[] LinkBytes { get; }

    public ulong NameHash { get; }

    public HeartbeatIdentity Identity { get; private set; }

    public MacAddress Mac { get; set; }

    /// <summary>The run that is believed; 0 while none was confirmed.</summary>
    public ulong Boot { get; set; }

    public ulong Sequence { get; set; }

    /// <summary>Another run is believed only if it has heard one of our frames later than this.</summary>
    public ulong ConfirmAbove { get; set; }

    public bool Alive { get; set; }

    /// <summary>It waits for a heartbeat of ours.</summary>
    public bool AnswerDue { get; set; }

    public TimeSpan AliveSince { get; set; }

    public TimeSpan HeardAt { get; set; }

    public TimeSpan ExpiresAt { get; set; }

    public TimeSpan GoodFor { get; set; }

    /// <summary>The stalls of this process since it was last heard for which it was given the lost time back.</summary>
    public int StallsExcused { get; set; }

    public SpeakerState State { get; set; }

    public bool HearsUs { get; set; }

    /// <summary>The last of our sequence numbers it has heard.</summary>
    public ulong HeardOfUs { get; set; }

    /// <summary>How often it was lost lately.</summary>
    public int Losses { get; set; }

    /// <summary>How often it lost us lately, by its own account.</summary>
    public int LossesTold { get; set; }

    /// <summary>A run that has still to prove itself, and the frame to echo to it.</summary>
    public ulong PendingBoot { get; set; }

    public ulong PendingSequence { get; set; }

    public MacAddress PendingMac { get; set; }

    public TimeSpan PendingUntil { get; set; }

    public bool Is(in HeartbeatFrame frame) => frame.Node.SequenceEqual(NodeBytes) && frame.Link.SequenceEqual(LinkBytes);

    /// <summary>Takes over changed prefixes.</summary>
    /// <returns>Whether they changed.</returns>
    public bool UpdateIdentity(in HeartbeatFrame frame)
    {
        if (identityShape == frame.IdentityShape && frame.IdentityBytes.SequenceEqual(identityBytes))
        {
            return false;
        }

        identityBytes = frame.IdentityBytes.ToArray();
        identityShape = frame.IdentityShape;
        Identity = frame.ReadIdentity();
        return true;
    }
}
