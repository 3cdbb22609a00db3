using System.Text;
using System.Text.Json;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.ListWatch.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

public sealed class ListPageReaderTests
{
    private const string Page = """
        {"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"12","continue":"next\"page","remainingItemCount":1},
         "items":[ {"metadata":{"name":"a","namespace":"n\u00e9","uid":"u","resourceVersion":"3"},"spec":{"type":"LoadBalancer","ports":[{"port":80}]},
                    "status":{"loadBalancer":{"ingress":[{"ip":"192.168.96.100"},{"hostname":"no address"}]} } },
                   {"metadata":{"name":"b","namespace":"n","resourceVersion":"4"},"spec":{"type":"ClusterIP"},"status":{"loadBalancer":{} } },
                   {"metadata":{"name":"c","namespace":"n","resourceVersion":"5"},"spec":{"externalTrafficPolicy":"Local","loadBalancerClass":"x"},
                    "status":{"loadBalancer":{"ingress":[{"ip":"fd00::1"}]} } } ], "extra":[[{"x":null}]]}
        """;

    private readonly List<AnnouncedService> items = [];

    [Fact]
    public async Task APage_IsReadTheSame_WhereverTheNetworkCutsIt()
    {
        var bytes = Encoding.UTF8.GetBytes(Page);
        for (var size = 1; size <= bytes.Length; size = size < 40 ? size + 1 : size + 61)
        {
            items.Clear();
            var page = Reader();
            await page.ReadAsync(new InPieces(bytes, size), TestContext.Current.CancellationToken);
            Assert.Equal(("12", "next\"page", 3), (page.Version, page.Continue, page.Count));
            Assert.Equal(["né/a: 192.168.96.100, balanced", "n/c: fd00::1, x, local"], items.Select(Describe));
        }
    }

    [Fact]
    public async Task APageThatEndsAnywhere_IsRefused()
    {
        var bytes = Encoding.UTF8.GetBytes(Page);
        for (var length = 0; length < bytes.Length; length++)
        {
            await Assert.ThrowsAnyAsync<JsonException>(() => Reader().ReadAsync(new InPieces(bytes[..length], 7), TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"metadata":{"resourceVersion":"1"}}""")]
    [InlineData("""{"items":[]}""")]
    [InlineData("""{"kind":"Status","metadata":{},"status":"Failure"}""")]
    [InlineData("""{"metadata":{"resourceVersion":"1"},"items":[5]}""")]
    [InlineData("""{"metadata":{"resourceVersion":"1"},"items":{}}""")]
    public async Task WhatIsNoList_IsNotTakenForAnEmptyOne(string text) => await Assert.ThrowsAnyAsync<JsonException>(
        () => Reader().ReadAsync(new InPieces(Encoding.UTF8.GetBytes(text), 5), TestContext.Current.CancellationToken));

    [Fact]
    public async Task AListOfNothing_IsOne()
    {
        var page = Reader();
        await page.ReadAsync(new InPieces("""{"items":null,"metadata":{"resourceVersion":"1"}}"""u8.ToArray(), 3), TestContext.Current.CancellationToken);
        Assert.Equal(("1", "", 0), (page.Version, page.Continue, page.Count));
    }

    private static string Describe(AnnouncedService service) => $"{service.Key}: {string.Join(' ', service.Addresses)}"
        + (service.IsLoadBalancer ? ", balanced" : "") + (service.LoadBalancerClass is { } served ? $", {served}" : "") + (service.IsLocal ? ", local" : "");

    private ListPageReader<AnnouncedService> Reader() => new(ResourceKinds.AnnouncedServices, new StringPool(), items);

    /// <summary>A stream that gives no more than so many bytes at a time.</summary>
    private sealed class InPieces(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(size, buffer.Length)], cancellationToken);
    }
}
