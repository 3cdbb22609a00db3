using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.Leases;

[Collection("alone")]
public sealed class LeadershipPropertyTests(ITestOutputHelper output)
{
    /// <summary>
    /// Three candidates, requests that take up to 6 s either way, lose their answers or arrive after their sender gave up, candidates
    /// cut off from the server, and processes that are stopped for half a minute: at no instant are two of them leader.
    /// </summary>
    [Fact]
    public async Task Candidates_UnderAnyDelaysAndPauses_NeverLeadTogether()
    {
        var total = (Led: 0, Changes: 0);
        for (var seed = 1; seed <= 8; seed++)
        {
            var (led, changes) = await RunAsync(seed);
            total = (total.Led + led, total.Changes + changes);
        }

        Assert.True(total.Led > 3000 && total.Changes > 30, $"{total}: leadership lasted and moved, or the property is empty");
    }

    private async Task<(int Led, int Changes)> RunAsync(int seed)
    {
        var random = new Random(seed);
        var delays = new Random(seed + 1000);
        var clock = new TestClock();
        var store = new FakeLeaseStore();
        var processes = Enumerable.Range(0, 3).Select(_ => new FrozenTimers(clock)).ToArray();
        var stores = processes.Select(process => new SlowLeaseStore(store, process, Delay)).ToArray();
        var candidates = processes.Select((process, index) => new Candidate($"c{index}", stores[index], process)).ToArray();
        Array.ForEach(candidates, candidate => candidate.Run());

        var led = new int[3];
        var changes = 0;
        var last = -1;
        for (var step = 0; step < 1200; step++)
        {
            Disturb(random, candidates, stores, processes);
            clock.Advance(TimeSpan.FromMilliseconds(random.Next(20, 500)));
            Check();
            await Settle.AsyncWork();
            Check();
        }

        Array.ForEach(stores, one => one.Cut = false);
        Array.ForEach(processes, process => process.Frozen = false);
        output.WriteLine($"seed {seed}: leading steps {string.Join(", ", led)}; {changes} changes of leader; {store.Writes} writes");
        foreach (var candidate in candidates)
        {
            var stopping = candidate.DisposeAsync().AsTask();
            await Eventually.TrueAsync(
                () =>
                {
                    clock.Advance(TimeSpan.FromSeconds(1));
                    return stopping.IsCompleted;
                },
                "a candidate stops");
        }

        return (led.Sum(), changes);

        void Check()
        {
            // Time stands still between steps, so that asking one after the other is asking at one instant.
            var leaders = candidates.Select((candidate, index) => candidate.IsLeader ? index : -1).Where(index => index >= 0).ToArray();
            Assert.True(leaders.Length <= 1, $"leaders at the same time: {string.Join(", ", leaders)} (seed {seed})");
            if (leaders.Length == 1)
            {
                led[leaders[0]]++;
                changes += leaders[0] == last ? 0 : 1;
                last = leaders[0];
            }
        }

        (TimeSpan Before, TimeSpan After) Delay()
        {
            lock (delays)
            {
                return delays.Next(10) < 8
                    ? (TimeSpan.FromMilliseconds(delays.Next(50)), TimeSpan.FromMilliseconds(delays.Next(50)))
                    : (TimeSpan.FromSeconds(6 * delays.NextDouble()), TimeSpan.FromSeconds(6 * delays.NextDouble()));
            }
        }
    }

    // Mostly the leader: the others matter only when it is disturbed.
    private static void Disturb(Random random, Candidate[] candidates, SlowLeaseStore[] stores, FrozenTimers[] processes)
    {
        for (var i = 0; i < candidates.Length; i++)
        {
            if (random.Next(stores[i].Cut ? 60 : candidates[i].IsLeader ? 80 : 400) == 0)
            {
                stores[i].Cut = !stores[i].Cut;
            }

            if (random.Next(processes[i].Frozen ? 80 : candidates[i].IsLeader ? 120 : 400) == 0)
            {
                processes[i].Frozen = !processes[i].Frozen;
            }
        }
    }
}
