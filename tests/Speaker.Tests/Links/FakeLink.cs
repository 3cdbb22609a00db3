using System.Collections.Concurrent;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

/// <summary>A link in memory: frames put in are received, frames sent are kept.</summary>
internal sealed class FakeLink(LinkFacts facts) : IPacketLink
{
    private readonly BlockingCollection<byte[]> incoming = [];
    private string reason = "closed";

    public LinkFacts Facts { get; } = facts;

    internal BlockingCollection<byte[]> Sent { get; } = [];

    internal bool Refuses { get; set; }

    internal bool IsDisposed { get; private set; }

    internal static LinkFacts FactsOf(string name, int index, string mac = "52:54:00:00:00:01", bool carrier = true) =>
        new(name, index, MacAddress.Parse(mac), [IpPrefix.Parse("192.168.96.11/20")], carrier);

    public bool HasUnread => false;

    public bool Send(ReadOnlySpan<byte> frame)
    {
        if (Refuses || IsDisposed)
        {
            return false;
        }

        Sent.Add(frame.ToArray());
        return true;
    }

    public string Receive(FrameHandler handler)
    {
        foreach (var frame in incoming.GetConsumingEnumerable())
        {
            handler(frame);
        }

        return reason;
    }

    public void Dispose()
    {
        IsDisposed = true;
        incoming.CompleteAdding();
    }

    internal void Deliver(byte[] frame) => incoming.Add(frame);

    /// <summary>Everything delivered is handled, then the link ends as if its interface had gone.</summary>
    internal void Fail(string why)
    {
        reason = why;
        incoming.CompleteAdding();
    }
}

/// <summary>Keeps peers' frames.</summary>
internal sealed class FakePeers : IPeerFrameSink
{
    internal BlockingCollection<(LinkRunner Link, byte[] Frame)> Frames { get; } = [];

    public void OnPeerFrame(LinkRunner link, ReadOnlySpan<byte> frame) => Frames.Add((link, frame.ToArray()));
}

/// <summary>Keeps what others say.</summary>
internal sealed class FakeObserver : INeighborObserver
{
    internal List<ArpPacket> Packets { get; } = [];

    internal List<NdpPacket> NdpPackets { get; } = [];

    public void OnArp(LinkRunner link, in ArpPacket packet) => Packets.Add(packet);

    public void OnNdp(LinkRunner link, in NdpPacket packet) => NdpPackets.Add(packet);
}
