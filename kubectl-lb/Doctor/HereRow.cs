using LoadBalancer.Kubectl.Status;

namespace LoadBalancer.Kubectl.Doctor;

/// <summary>Somebody who answered for an address.</summary>
/// <param name="Mac">The hardware address.</param>
/// <param name="Milliseconds">How long the answer took; absent if it was known before.</param>
internal sealed record HereAnswer(string Mac, double? Milliseconds);

/// <summary>What the wire says of one address, seen from this machine.</summary>
/// <param name="Address">The address.</param>
/// <param name="Expected">The hardware address that the cluster believes in.</param>
/// <param name="How">How it was asked: wire, by a raw socket, so that all who answer are seen; neighbours, by this machine's neighbour table, which has one.</param>
/// <param name="Links">Where.</param>
/// <param name="Answers">Who answered, each once, the quickest first.</param>
/// <param name="IsOurs">Whether this machine is the node that the cluster believes in: it does not answer itself.</param>
internal sealed record HereRow(string Address, string? Expected, string How, IReadOnlyList<string> Links, IReadOnlyList<HereAnswer> Answers, bool IsOurs = false)
{
    // The kernel and the speakers answer within a few milliseconds, a phone behind a sleepy access point within a hundred.
    private const double SlowMilliseconds = 200;

    /// <summary>What is wrong.</summary>
    internal IEnumerable<Problem> Findings
    {
        get
        {
            if (Answers.Count == 0)
            {
                if (Expected is not null && !IsOurs)
                {
                    yield return Problem.Error($"nobody answers for {Address} as seen from here", Links.Count == 0
                        ? "this machine has no link in its subnet: run it on a host of that LAN"
                        : "look at what lies between here and the node: VLAN, Wi-Fi, client isolation, port security");
                }

                yield break;
            }

            if (Answers.Count > 1)
            {
                yield return Problem.Error($"{Answers.Count} answer for {Address}: {string.Join(" and ", Answers.Select(static answer => answer.Mac))}{(Expected is null ? "" : $"; the cluster believes in {Expected}")}",
                    "a strange host, or a node with IPVS and without strictARP: find whose hardware address that is");
            }
            else if (Expected is not null && !string.Equals(Answers[0].Mac, Expected, StringComparison.OrdinalIgnoreCase))
            {
                yield return Problem.Error($"{Answers[0].Mac} answers for {Address} as seen from here, and the cluster believes in {Expected}",
                    How == "wire" ? "a strange host, or a node with IPVS and without strictARP: find whose hardware address that is"
                        : "a strange host, a node with IPVS and without strictARP, or an entry that is stale: ip neigh flush to " + Address);
            }

            if (Answers[0].Milliseconds is > SlowMilliseconds and var took)
            {
                yield return Problem.Warning(FormattableString.Invariant($"the answer for {Address} took {took:0} ms"), "look at the load of the node that has it, and at Wi-Fi in between");
            }
        }
    }
}
