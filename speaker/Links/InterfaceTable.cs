using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// The interfaces and addresses of this node, kept by the kernel's messages: the same ones answer a dump and tell of a change.
/// Not thread-safe.
/// </summary>
internal sealed class InterfaceTable
{
    private const string KindMacvlan = "macvlan";

    private readonly Dictionary<int, InterfaceRecord> interfaces = [];
    private readonly Dictionary<int, List<IpPrefix>> addresses = [];
    private readonly HashSet<int> unseenInterfaces = [];
    private readonly HashSet<InterfaceAddress> unseenAddresses = [];

    /// <summary>The interfaces, in no order.</summary>
    internal IReadOnlyCollection<InterfaceRecord> Interfaces => interfaces.Values;

    /// <summary>
    /// The wire an interface is on, as a number: a macvlan is on its parent's, although neither hears the other. What is made from one
    /// interface of another namespace, which cannot be seen from here, is on one wire too.
    /// </summary>
    internal long WireOf(InterfaceRecord record)
    {
        // A chain of them is short; a table half of which is old could have a loop.
        for (var steps = 0; steps < interfaces.Count && record.Kind == KindMacvlan; steps++)
        {
            if (record.ParentNamespace >= 0)
            {
                return ((record.ParentNamespace + 1L) << 32) | (uint)record.Parent;
            }

            if (!interfaces.TryGetValue(record.Parent, out var parent))
            {
                break;
            }

            record = parent;
        }

        return record.Index;
    }

    /// <summary>The addresses of an interface, in the order in which they were added.</summary>
    internal IReadOnlyList<IpPrefix> AddressesOf(int index) => addresses.TryGetValue(index, out var list) ? list : [];

    /// <summary>A full dump begins: what it does not mention is gone.</summary>
    internal void BeginDump()
    {
        unseenInterfaces.Clear();
        unseenInterfaces.UnionWith(interfaces.Keys);
        unseenAddresses.Clear();
        foreach (var (index, list) in addresses)
        {
            foreach (var prefix in list)
            {
                unseenAddresses.Add(new InterfaceAddress(index, prefix));
            }
        }
    }

    /// <summary>The dump is complete.</summary>
    internal void EndDump()
    {
        foreach (var address in unseenAddresses)
        {
            Remove(address);
        }

        foreach (var index in unseenInterfaces)
        {
            RemoveInterface(index);
        }

        unseenAddresses.Clear();
        unseenInterfaces.Clear();
    }

    /// <summary>Takes in one message, whichever it is.</summary>
    internal void Apply(in NetlinkMessages.Message message)
    {
        switch (message.Type)
        {
            case NetlinkMessages.NewLink when InterfaceRecord.Read(message.Body) is { } record:
                interfaces[record.Index] = record;
                unseenInterfaces.Remove(record.Index);
                break;
            case NetlinkMessages.DeleteLink when InterfaceRecord.Read(message.Body) is { } record:
                RemoveInterface(record.Index);
                break;
            case NetlinkMessages.NewAddress when InterfaceAddress.Read(message.Body) is { } address:
                Add(address);
                break;
            case NetlinkMessages.DeleteAddress when InterfaceAddress.Read(message.Body) is { } address:
                Remove(address);
                break;
        }
    }

    private void Add(InterfaceAddress address)
    {
        unseenAddresses.Remove(address);
        if (!addresses.TryGetValue(address.InterfaceIndex, out var list))
        {
            addresses.Add(address.InterfaceIndex, list = []);
        }

        if (!list.Contains(address.Prefix))
        {
            list.Add(address.Prefix);
        }
    }

    private void Remove(InterfaceAddress address)
    {
        if (addresses.TryGetValue(address.InterfaceIndex, out var list) && list.Remove(address.Prefix) && list.Count == 0)
        {
            addresses.Remove(address.InterfaceIndex);
        }
    }

    private void RemoveInterface(int index)
    {
        interfaces.Remove(index);
        addresses.Remove(index);
    }
}
