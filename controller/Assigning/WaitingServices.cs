using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Assigning;

/// <summary>The Services that ask for something they cannot have now, oldest first, each with the reason.</summary>
internal sealed class WaitingServices
{
    private readonly SortedDictionary<ServiceAge, AllocationReason> reasons = [];
    private readonly int[] counts = new int[Enum.GetValues<AllocationReason>().Length];

    /// <summary>How many wait.</summary>
    public int Count => reasons.Count;

    /// <summary>How many wait for this reason.</summary>
    public int CountOf(AllocationReason reason) => counts[(int)reason];

    /// <summary>Those that wait at this moment, in the order in which they are to be served.</summary>
    public ObjectKey[] Keys() => reasons.Keys.Select(age => age.Key).ToArray();

    /// <summary>Notes that it waits, and why; null that it does not.</summary>
    public void Set(ServiceAge age, AllocationReason? reason)
    {
        if (reasons.Remove(age, out var before))
        {
            counts[(int)before]--;
        }

        if (reason is { } now)
        {
            reasons[age] = now;
            counts[(int)now]++;
        }
    }

    /// <summary>Nobody waits.</summary>
    public void Clear()
    {
        reasons.Clear();
        Array.Clear(counts);
    }
}
