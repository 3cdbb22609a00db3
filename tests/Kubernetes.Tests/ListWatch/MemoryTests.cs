using System.Globalization;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

[Collection("alone")]
public sealed class MemoryTests(ITestOutputHelper output)
{
    private const int Count = 10_000;
    private const int Tries = 5;

    private object? store;

    [Fact]
    public Task ControllersStore_OfTenThousandServices_HasAKilobyteAndAHalfOfEach() => TenThousandAsync(ResourceKinds.Services, 1_600);

    [Fact]
    public Task SpeakersStore_OfTenThousandServicesWithAnAddress_HasFourHundredBytesOfEach() => TenThousandAsync(ResourceKinds.AnnouncedServices, 400);

    // What the process does besides is in the figure, too: the least of a few counts.
    private async Task TenThousandAsync<T>(ResourceKind<T> kind, int most)
        where T : class, IResource
    {
        var least = long.MaxValue;
        for (var i = 0; i < Tries && least > most; i++)
        {
            least = Math.Min(least, await MeasureAsync(kind));
        }

        Assert.InRange(least, 0, most);
    }

    /// <summary>Services as kubectl and controllers leave them: 4 kB of JSON each, most of it managedFields and the applied configuration.</summary>
    /// <returns>The bytes kept of each.</returns>
    private async Task<long> MeasureAsync<T>(ResourceKind<T> kind)
        where T : class, IResource
    {
        await using var server = await ScriptedServer.StartAsync();
        long sent = 0;
        for (var page = 0; page < Count / ApiResourceSource<T>.PageSize; page++)
        {
            var first = page * ApiResourceSource<T>.PageSize;
            server.Then(async context =>
            {
                var items = Enumerable.Range(first, ApiResourceSource<T>.PageSize).Select(Large).ToArray();
                var last = first + items.Length == Count;
                var text = Json.ListPage(1, last ? "" : "next", items);
                Interlocked.Add(ref sent, text.Length);
                await context.Response.WriteAsync(text);
            });
        }

        var source = new ApiResourceSource<T>(
            server.Client(TimeProvider.System), kind, ResourceSelection.All, TimeProvider.System);
        await FillAsync(source);

        // Until here this runs on the stack of what completed the list, which keeps the list alive.
        await Task.Yield();
        var with = GC.GetTotalMemory(forceFullCollection: true);
        var count = Empty<T>();

        // What remains is the connection, the server and their buffers.
        var without = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(source);
        var kept = with - without;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{count} Services: {sent / 1e6:F1} MB of JSON, {kept / 1e6:F1} MB kept, {kept / Count} bytes each; the test process without them {without / 1e6:F1} MB"));
        Assert.Equal(Count, count);
        return kept / Count;
    }

    // Apart from the test's own frame, which would keep alive what it has touched.
    private async Task FillAsync<T>(ApiResourceSource<T> source)
        where T : class, IResource
    {
        var filled = new Store<T>();
        filled.Replace((await source.ListAsync(TestContext.Current.CancellationToken)).Items);
        store = filled;
    }

    private int Empty<T>()
        where T : class, IResource
    {
        var count = ((Store<T>)store!).Count;
        store = null;
        return count;
    }

    private static string Large(int number)
    {
        var ip = $"10.{96 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}";
        var filler = new string('x', 1200);
        return $$"""
            {"metadata":{"name":"service-{{number}}","namespace":"team-{{number % 40}}","uid":"6f1f7c3e-0000-4000-8000-{{number:x12}}","resourceVersion":"{{1_000_000 + number}}",
            "creationTimestamp":"2026-01-02T03:04:05Z","labels":{"app":"service-{{number % 500}}","tier":"front"},
            "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{{filler}}","metallb.io/address-pool":"default"},
            "managedFields":[{"manager":"kubectl-client-side-apply","operation":"Update","fieldsV1":{"f:metadata":{"f:{{filler}}":{} },"f:spec":{"f:{{filler}}":{} } } }]},
            "spec":{"type":"LoadBalancer","clusterIP":"{{ip}}","clusterIPs":["{{ip}}"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack",
            "externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster","selector":{"app":"service-{{number % 500}}"},"sessionAffinity":"None",
            "ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":8080,"nodePort":30080},{"name":"https","protocol":"TCP","port":443,"targetPort":8443,"nodePort":30443}]},
            "status":{"loadBalancer":{"ingress":[{"ip":"192.168.{{(number >> 8) & 255}}.{{number & 255}}","ipMode":"VIP"}]} } }
            """;
    }
}
