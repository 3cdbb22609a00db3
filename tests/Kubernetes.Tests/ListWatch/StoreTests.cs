using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

public sealed class StoreTests
{
    private readonly Store<NamespaceResource> store = new();
    private readonly List<string> changes = [];

    public StoreTests() => store.Changed += key => changes.Add(key.Name);

    [Fact]
    public void Store_BeforeTheFirstList_IsNotSynced()
    {
        store.Apply(new(WatchEventType.Added, Item("a", 1), "1"));
        Assert.False(store.HasSynced);
        Assert.False(store.Synced.IsCompleted);
    }

    [Fact]
    public void Replace_EmptyList_IsSynced()
    {
        store.Replace([]);
        Assert.True(store.HasSynced);
        Assert.Empty(changes);
    }

    [Fact]
    public void Replace_SignalsComeBeforeSynced()
    {
        store.Changed += _ => Assert.False(store.HasSynced);
        store.Replace([Item("a", 1)]);
        Assert.True(store.HasSynced);
    }

    [Fact]
    public void Replace_SameVersions_RaisesNothing()
    {
        store.Replace([Item("a", 1), Item("b", 2)]);
        changes.Clear();
        store.Replace([Item("b", 2), Item("a", 1)]);
        Assert.Empty(changes);
    }

    [Fact]
    public void Replace_SameNameAndVersionButAnotherObject_RaisesIt()
    {
        store.Replace([Item("a", 1)]);
        changes.Clear();
        store.Replace([Item("a", 1) with { Uid = "another" }]);
        Assert.Equal(["a"], changes);
    }

    // A kubelet says every few minutes that it is there, and nothing else.
    [Fact]
    public void ANodeIsWrittenAnewAndSaysTheSame_RaisesNothing_AndItsVersionIsKept()
    {
        var (nodes, told) = (new Store<NodeResource>(), 0);
        nodes.Changed += _ => told++;
        nodes.Replace([Node(1)]);
        nodes.Apply(new(WatchEventType.Modified, Node(2), "2"));
        nodes.Replace([Node(3)]);
        Assert.Equal((1, "3"), (told, nodes.Get(Node(1).Key)!.ResourceVersion));
    }

    [Fact]
    public void ANodeSaysAnythingElse_RaisesIt()
    {
        (string Of, NodeResource Node)[] others =
        [
            (nameof(NodeResource.Labels), Node(2) with { Labels = new Dictionary<string, string> { ["zone"] = "b" } }),
            (nameof(NodeResource.Labels), Node(2) with { Labels = new Dictionary<string, string> { ["zone"] = "a", ["disk"] = "ssd" } }),
            (nameof(NodeResource.Uid), Node(2) with { Uid = "another" }),
            (nameof(NodeResource.Ready), Node(2) with { Ready = false }),
            (nameof(NodeResource.IsReady), Node(2) with { IsReady = true }),
            (nameof(NodeResource.KubeletPort), Node(2) with { KubeletPort = 10251 }),
            (nameof(NodeResource.KeepReady), Node(2) with { KeepReady = true }),
            (nameof(NodeResource.NetworkUnavailable), Node(2) with { NetworkUnavailable = true }),
            (nameof(NodeResource.InternalAddresses), Node(2) with { InternalAddresses = [IpAddress.Parse("192.168.96.12")] }),
            (nameof(NodeResource.Addresses), Node(2) with { Addresses = ["192.168.96.12"] }),
            (nameof(NodeResource.PodRanges), Node(2) with { PodRanges = ["10.244.2.0/24"] }),
        ];
        var all = typeof(NodeResource).GetProperties().Select(static property => property.Name).Except([nameof(NodeResource.Key), nameof(NodeResource.ResourceVersion)]);
        Assert.Empty(all.Except(others.Select(static other => other.Of)));
        foreach (var (of, other) in others)
        {
            var (nodes, told) = (new Store<NodeResource>(), 0);
            nodes.Replace([Node(1)]);
            nodes.Changed += _ => told++;
            nodes.Apply(new(WatchEventType.Modified, other, "2"));
            Assert.True(told == 1, $"not told of {of}");
        }
    }

    [Fact]
    public void Replace_IsSeenWholeByHandlers()
    {
        store.Replace([Item("a", 1), Item("b", 1)]);
        var seen = new List<int>();
        store.Changed += _ => seen.Add(store.Count);
        store.Replace([Item("c", 2)]);
        Assert.Equal([1, 1, 1], seen);
    }

    [Fact]
    public void All_EnumeratedWhileChanging_IsTheContentOfTheCall()
    {
        store.Replace([Item("a", 1), Item("b", 1)]);
        var before = store.All();
        store.Apply(new(WatchEventType.Deleted, Item("a", 2), "2"));
        store.Apply(new(WatchEventType.Added, Item("c", 3), "3"));
        Assert.Equal(["a", "b"], before.Select(item => item.Key.Name).Order(StringComparer.Ordinal));
    }

    /// <summary>Whatever comes, the store has what a plain dictionary has, and every difference a reader could see was signalled.</summary>
    [Fact]
    public void Store_AnySequence_EqualsItsModelAndSignalsEachDifference()
    {
        var item = Gen.Select(Gen.Int[0, 5], Gen.Int[1, 4]).Select((name, version) => Item($"n{name}", version));
        var step = Gen.OneOf(
            item.Array[0, 6].Select(items => (Items: items, Event: default(WatchEvent<NamespaceResource>))),
            Gen.Select(item, Gen.Enum<WatchEventType>()).Select((one, type) =>
                (Items: (NamespaceResource[]?)null, Event: new WatchEvent<NamespaceResource>(type, type == WatchEventType.Bookmark ? null : one, "9")))!);
        step.Array[0, 30].Sample(steps =>
        {
            var tested = new Store<NamespaceResource>();
            var signalled = new HashSet<ObjectKey>();
            tested.Changed += key => signalled.Add(key);
            var model = new Dictionary<ObjectKey, NamespaceResource>();
            foreach (var (items, watchEvent) in steps)
            {
                var before = new Dictionary<ObjectKey, NamespaceResource>(model);
                signalled.Clear();
                if (items is not null)
                {
                    model.Clear();
                    Array.ForEach(items, one => model[one.Key] = one);
                    tested.Replace(items);
                }
                else
                {
                    tested.Apply(watchEvent);
                    if (watchEvent.Type == WatchEventType.Deleted)
                    {
                        model.Remove(watchEvent.Object!.Key);
                    }
                    else if (watchEvent.Object is { } one)
                    {
                        model[one.Key] = one;
                    }
                }

                var differences = before.Keys.Union(model.Keys)
                    .Where(key => before.GetValueOrDefault(key)?.ResourceVersion != model.GetValueOrDefault(key)?.ResourceVersion);
                Assert.Equal(differences.ToHashSet(), signalled);
                Assert.Equal(
                    model.Values.Select(one => (one.Key, one.ResourceVersion)).ToHashSet(),
                    tested.All().Select(one => (one.Key, one.ResourceVersion)).ToHashSet());
            }
        });
    }

    private static NodeResource Node(int version) => new()
    {
        Key = new ObjectKey("", "n1"),
        Uid = "n1",
        ResourceVersion = $"{version}",
        Labels = new Dictionary<string, string> { ["zone"] = "a" },
        InternalAddresses = [IpAddress.Parse("192.168.96.11")],
        Addresses = ["192.168.96.11"],
        PodRanges = ["10.244.1.0/24"],
    };

    private static NamespaceResource Item(string name, int version) =>
        new() { Key = new("", name), Uid = "uid", ResourceVersion = version.ToString(System.Globalization.CultureInfo.InvariantCulture) };
}
