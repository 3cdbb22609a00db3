using LoadBalancer.Core.Conflicts;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Strangers;

/// <summary>
/// What was heard on the links, on its way to the thread that thinks about it: a bounded ring without lock or allocation. Any thread
/// adds, one takes.
/// </summary>
/// <remarks>
/// Each slot carries the number of the lap and position it is ready for, so that adding is one compare-and-swap on the position (the
/// bounded queue of D. Vyukov). A full ring refuses: the link's thread waits for nobody.
/// </remarks>
internal sealed class StatementRing
{
    private readonly Slot[] slots;
    private readonly long mask;
    private long added;
    private long taken;

    /// <param name="capacity">A power of two.</param>
    public StatementRing(int capacity)
    {
        slots = new Slot[capacity];
        mask = capacity - 1;
        for (var i = 0; i < capacity; i++)
        {
            slots[i].Turn = i;
        }
    }

    /// <summary>Adds a statement; false if the ring is full.</summary>
    public bool TryAdd(LinkRunner link, in AddressStatement statement)
    {
        while (true)
        {
            var position = Volatile.Read(ref added);
            ref var slot = ref slots[position & mask];
            var ahead = Volatile.Read(ref slot.Turn) - position;
            if (ahead < 0)
            {
                return false;
            }

            if (ahead == 0 && Interlocked.CompareExchange(ref added, position + 1, position) == position)
            {
                slot.Link = link;
                slot.Statement = statement;
                Volatile.Write(ref slot.Turn, position + 1);
                return true;
            }
        }
    }

    /// <summary>Takes the oldest statement; false if there is none.</summary>
    public bool TryTake(out LinkRunner link, out AddressStatement statement)
    {
        ref var slot = ref slots[taken & mask];
        if (Volatile.Read(ref slot.Turn) != taken + 1)
        {
            (link, statement) = (null!, default);
            return false;
        }

        (link, statement) = (slot.Link, slot.Statement);
        Volatile.Write(ref slot.Turn, taken + slots.Length);
        taken++;
        return true;
    }

    private struct Slot
    {
        internal long Turn;
        internal LinkRunner Link;
        internal AddressStatement Statement;
    }
}
