using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Edge to the wire: one open link. Whole Ethernet frames go in and out; loopback of our own frames is filtered out.
/// </summary>
public interface IPacketLink : IDisposable
{
    /// <summary>The link as it was when it was opened; what changes of it changes in the link set.</summary>
    LinkFacts Facts { get; }

    /// <summary>
    /// Sends one frame, from any thread. False if the kernel refused it (interface down, buffer full); nothing is thrown for that.
    /// </summary>
    bool Send(ReadOnlySpan<byte> frame);

    /// <summary>Whether frames wait that <see cref="Receive"/> has not handed on yet: its thread is behind. From any thread.</summary>
    bool HasUnread { get; }

    /// <summary>Whether frames to other hosts come in as well.</summary>
    bool IsPromiscuous => false;

    /// <summary>Puts a BPF program in the place of the filter that decides which frames come in; false if the kernel refuses it.</summary>
    /// <param name="program">Its file descriptor.</param>
    bool FilterBy(int program) => false;

    /// <summary>The same with a program of the classic packet filter, which takes no right beyond that to the socket.</summary>
    bool FilterBy(IReadOnlyList<FilterInstruction> program) => false;

    /// <summary>
    /// Waits for frames and hands each to <paramref name="handler"/> on the calling thread until the link is disposed or gone.
    /// Allocates nothing per frame.
    /// </summary>
    /// <returns>Why it ended, for the log.</returns>
    string Receive(FrameHandler handler);
}

/// <summary>Takes one received frame; the span is valid during the call only.</summary>
/// <param name="frame">From the Ethernet destination on, cut at the snap length.</param>
public delegate void FrameHandler(ReadOnlySpan<byte> frame);
