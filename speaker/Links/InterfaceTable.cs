using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// The interfaces and addresses of this node, kept by the kernel's messages: the same ones answer a dump and tell of a change.
/// Not thread-safe.
/// </summary>
internal sealed class InterfaceTable
{
    private readonly Dictionary<int, InterfaceRecord> interfaces = [];
    private readonly Dictionary<int, List<IpPrefix>> addresses = [];
    private readonly HashSet<int> unseenInterfaces = [];
    private readonly HashSet<InterfaceAddress> unseenAddresses = [];

    /// <summary>The interfaces, in no order.</summary>
    internal IReadOnlyCollection<InterfaceRecord> Interfaces => interfaces.Values;

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
