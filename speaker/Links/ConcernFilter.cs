using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Keeps from this process what concerns nobody on the node, on a link without the kernel's part: by a classic filter made from the pools' ranges
/// (<see cref="CaptureProgram"/>). While anything is in doubt, or a host is looked for to be a witness, everything comes in. From any thread.
/// </summary>
/// <param name="filterBy">Puts a program in the place of the link's filter; false if the kernel refuses it.</param>
public sealed class ConcernFilter(Func<IReadOnlyList<FilterInstruction>, bool> filterBy)
{
    private readonly Lock gate = new();
    private IpRangeSet addresses = IpRangeSet.Empty;
    private IReadOnlyList<FilterInstruction>? narrow;
    private IReadOnlyList<FilterInstruction>? current;
    private AnswerTable table = AnswerTable.Empty;
    private bool needsEverything = true;

    /// <summary>Whether everything is to come in.</summary>
    public void Need(bool everything)
    {
        if (everything != needsEverything)
        {
            lock (gate)
            {
                needsEverything = everything;
                Apply_NeedsLock();
            }
        }
    }

    /// <summary>The addresses that concern this node: those of the pools. None: they are not known.</summary>
    public void Follow(IpRangeSet ranges)
    {
        lock (gate)
        {
            addresses = ranges;
            narrow = ranges.IsEmpty ? null : CaptureProgram.Of(ranges);
            Apply_NeedsLock();
        }
    }

    /// <summary>What is answered from now on. Called before it is.</summary>
    public void Answer(AnswerTable answers)
    {
        lock (gate)
        {
            table = answers;
            Apply_NeedsLock();
        }
    }

    // What is answered and in no pool, as after a start without the API server, would never be asked for.
    private void Apply_NeedsLock()
    {
        var wanted = needsEverything || narrow is null || !table.All.All(answer => addresses.Contains(answer.Key)) ? CaptureProgram.OfEverything : narrow;
        if (wanted == (current ?? CaptureProgram.OfEverything))
        {
            return;
        }

        // A kernel that takes no program leaves the one before; it is not asked again and again.
        current = wanted;
        if (!filterBy(wanted))
        {
            narrow = null;
        }
    }
}
