using CsCheck;
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

    private static NamespaceResource Item(string name, int version) =>
        new() { Key = new("", name), Uid = "uid", ResourceVersion = version.ToString(System.Globalization.CultureInfo.InvariantCulture) };
}
