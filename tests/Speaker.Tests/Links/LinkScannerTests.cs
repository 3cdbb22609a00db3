using System.Threading.Channels;
using LoadBalancer.Speaker.Links;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class LinkScannerTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider time = new();
    private readonly LinkSet links = new();
    private readonly FakeNetlink kernel = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;

    public LinkScannerTests() => running = new LinkScanner(new LinkSelection([]), links, time, () => kernel).RunAsync(stop.Token);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    [Fact]
    public async Task Dump_CompletedAgainAndAgain_KeepsTheLinks()
    {
        await AnswerDumpAsync("eth0");
        await AnswerTickAsync("eth1");
        Assert.Equal("eth1", Assert.Single(links.Current).Name);
    }

    // Something was missed a moment before: that dump is as good as the one that is due.
    [Fact]
    public async Task Tick_WhileADumpIsUnderWay_LetsItEnd()
    {
        await AnswerDumpAsync("eth0");
        time.Advance(LinkScanner.ScanInterval - TimeSpan.FromMilliseconds(1));
        kernel.Say([]);
        var missed = await kernel.NextRequestAsync();

        time.Advance(TimeSpan.FromMilliseconds(1));
        await AnswerAsync(missed, "eth1");
        await AnswerTickAsync("eth2");

        Assert.Equal("eth2", Assert.Single(links.Current).Name);
        Assert.False(running.IsCompleted);
    }

    [Fact]
    public async Task Dump_NeverCompleted_EndsTheProgramWithAMessage()
    {
        await kernel.NextRequestAsync();
        time.Advance(LinkScanner.ScanInterval);

        var failure = await Assert.ThrowsAsync<IOException>(() => running.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Contains("did not complete a dump", failure.Message, StringComparison.Ordinal);
    }

    private async Task AnswerTickAsync(string name)
    {
        time.Advance(LinkScanner.ScanInterval);
        await AnswerDumpAsync(name);
    }

    private async Task AnswerDumpAsync(string name) => await AnswerAsync(await kernel.NextRequestAsync(), name);

    private async Task AnswerAsync((ushort Type, uint Sequence) request, string name)
    {
        Assert.Equal(NetlinkMessages.GetLink, request.Type);
        kernel.Say(NetlinkBytes.Link(NetlinkMessages.NewLink, name[^1], name), NetlinkBytes.Message(NetlinkMessages.Done, [], request.Sequence));
        var addresses = await kernel.NextRequestAsync();
        Assert.Equal(NetlinkMessages.GetAddress, addresses.Type);
        kernel.Say(NetlinkBytes.Message(NetlinkMessages.Done, [], addresses.Sequence));
        await Eventually(() => links.Current is [var only] && only.Name == name);
    }

    private static async Task Eventually(Func<bool> condition)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Patience, "not in time");
            await Task.Yield();
        }
    }

    private sealed class FakeNetlink : INetlink
    {
        private readonly Channel<byte[]> datagrams = Channel.CreateUnbounded<byte[]>();
        private readonly Channel<(ushort, uint)> requests = Channel.CreateUnbounded<(ushort, uint)>();

        internal void Say(params byte[][] messages) => Assert.True(datagrams.Writer.TryWrite([.. messages.SelectMany(message => message)]));

        internal Task<(ushort Type, uint Sequence)> NextRequestAsync() =>
            requests.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);

        public async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            var datagram = await datagrams.Reader.ReadAsync(cancellationToken);
            datagram.CopyTo(buffer);
            return datagram.Length;
        }

        public void RequestDump(ushort type, uint sequence) => Assert.True(requests.Writer.TryWrite((type, sequence)));

        public void Dispose()
        {
        }
    }
}
