using LoadBalancer.Core.Addressing;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

/// <summary>A kernel in memory that, as the real one, does not take a group twice.</summary>
internal sealed class FakeGroups : IMulticastGroups
{
    internal HashSet<string> Joined { get; } = [];

    internal string? Refuses { get; set; }

    internal int Joins { get; private set; }

    internal bool IsDisposed { get; private set; }

    public string? Join(IpAddress group)
    {
        Joins++;
        if (Refuses is null)
        {
            Assert.True(Joined.Add(group.ToString()), $"{group} joined twice");
        }

        return Refuses;
    }

    public void Leave(IpAddress group) => Assert.True(Joined.Remove(group.ToString()), $"{group} left without having been joined");

    public void Dispose() => IsDisposed = true;
}
