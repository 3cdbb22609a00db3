using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubectl.Status;

namespace LoadBalancer.Kubectl.Doctor;

/// <summary>Asks this machine's wire for each address of the cluster: by raw frames where that is allowed, else by this machine's own kernel.</summary>
internal static class HereDoctor
{
    /// <summary>Asks.</summary>
    /// <param name="rows">The addresses, with what the cluster believes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Gives up.</param>
    public static async Task<IReadOnlyList<HereRow>> AskAsync(IReadOnlyList<AddressRow> rows, TimeProvider time, CancellationToken stop)
    {
        var links = LocalLink.All();
        var questions = rows.Select(row => (Row: row, Address: IpAddress.TryParse(row.Address, out var address) ? address : (IpAddress?)null))
            .Where(static entry => entry.Address is not null).Select(entry => (entry.Row, Address: entry.Address!.Value, Links: LocalLink.For(links, entry.Address!.Value))).ToArray();
        var heard = await AskWireAsync(questions.SelectMany(static question => question.Links.Select(link => (link, question.Address))), time, stop).ConfigureAwait(false);
        return await Task.WhenAll(questions.Select(async question =>
        {
            var names = question.Links.Select(static link => link.Name).ToArray();
            var ours = question.Links.Any(link => string.Equals(link.Mac.ToString(), question.Row.Mac, StringComparison.OrdinalIgnoreCase));
            return heard is not null
                ? new HereRow(question.Row.Address, question.Row.Mac, "wire", names, [.. heard[question.Address].DistinctBy(static answer => answer.Mac)], ours)
                : new HereRow(question.Row.Address, question.Row.Mac, "neighbours", names, [.. await Neighbours.AskAsync(question.Address, time, stop).ConfigureAwait(false)], ours);
        })).ConfigureAwait(false);
    }

    // Null without the right to send raw frames.
    private static async Task<ILookup<IpAddress, HereAnswer>?> AskWireAsync(IEnumerable<(LocalLink Link, IpAddress Address)> questions, TimeProvider time, CancellationToken stop)
    {
        List<(IpAddress, HereAnswer)> all = [];
        foreach (var group in questions.GroupBy(static question => (question.Link, question.Address.Family)))
        {
            using var wire = WireQuestions.TryOpen(group.Key.Link, group.Key.Family, time);
            if (wire is null)
            {
                return null;
            }

            foreach (var answers in await wire.AskAsync([.. group.Select(static question => question.Address)], stop).ConfigureAwait(false))
            {
                all.AddRange(answers.Select(answer => (answers.Key, answer)));
            }
        }

        return all.ToLookup(static entry => entry.Item1, static entry => entry.Item2);
    }
}
