using System.Text;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.ListWatch.Json;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

/// <summary>The line reader by itself, with reads that end exactly where a test wants.</summary>
public sealed class WatchLinesTests
{
    [Fact]
    public async Task Next_CutAtEveryPosition_GivesTheSameEvents()
    {
        var text = Encoding.UTF8.GetBytes($"{Json.Added("ä", 11)}\n{Json.Bookmark(12)}\r\n{Json.Deleted("ä", 13)}\n");
        for (var cut = 1; cut < text.Length; cut++)
        {
            await using var stream = new CutStream(text[..cut], text[cut..]);
            var events = await ReadAllAsync(stream);
            Assert.Equal(["Added ä 11", "Bookmark  12", "Deleted ä 13"], events);
        }
    }

    [Fact]
    public async Task Next_ObjectBeforeType_IsUnderstood()
    {
        await using var stream = new CutStream(Encoding.UTF8.GetBytes($$"""{"object":{{Json.Service("a", 5)}},"more":[1,{"x":2}],"type":"ADDED"}""" + "\n"));
        Assert.Equal(["Added a 5"], await ReadAllAsync(stream));
    }

    [Fact]
    public async Task Next_LastLineWithoutNewline_IsALine()
    {
        await using var stream = new CutStream(Encoding.UTF8.GetBytes(Json.Added("a", 5)));
        Assert.Equal(["Added a 5"], await ReadAllAsync(stream));
    }

    [Fact]
    public async Task Next_EndsWithinALine_IsMalformed()
    {
        var text = Encoding.UTF8.GetBytes(Json.Added("a", 5));
        await using var stream = new CutStream(text[..^10]);
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAllAsync(stream));
    }

    [Fact]
    public async Task Next_EndlessLine_IsMalformedBeforeItFillsTheMemory()
    {
        await using var stream = new EndlessStream();
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAllAsync(stream));
        Assert.InRange(stream.Given, WatchLines<ServiceResource>.LongestLine, WatchLines<ServiceResource>.LongestLine + (4L * 1024 * 1024));
    }

    private static async Task<List<string>> ReadAllAsync(Stream stream)
    {
        var events = new List<string>();
        await using var lines = new WatchLines<ServiceResource>(stream, ResourceKinds.Services, new StringPool(), "GET /test");
        while (await lines.NextAsync(TestContext.Current.CancellationToken) is { } next)
        {
            events.Add($"{next.Type} {next.Object?.Key.Name} {next.ResourceVersion}");
        }

        return events;
    }

    private sealed class CutStream(params byte[][] pieces) : MemoryStream
    {
        private int next;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (next == pieces.Length)
            {
                return ValueTask.FromResult(0);
            }

            pieces[next].CopyTo(buffer);
            return ValueTask.FromResult(pieces[next++].Length);
        }
    }

    private sealed class EndlessStream : MemoryStream
    {
        internal long Given { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'x');
            Given += buffer.Length;
            return ValueTask.FromResult(buffer.Length);
        }
    }
}
