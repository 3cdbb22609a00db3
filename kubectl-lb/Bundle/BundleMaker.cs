using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Doctor;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubectl.Status;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Bundle;

/// <summary>What goes into a bug report. Pure.</summary>
internal static class BundleMaker
{
    /// <summary>What is in it and what is not, for whoever sends it and whoever gets it.</summary>
    public const string Readme =
        """
        A bug report's data, made by `kubectl lb bundle`.

        In it: the answers of `kubectl lb status` and `doctor`; what each program told at /status, with its last 200 Events, and its metrics; the last lines
        of its log; the ConfigMap with the pools.

        Left out: every Secret (the heartbeat key was not read); Services that are not of type LoadBalancer; cluster IPs, selectors, ports, labels and
        annotations of Services; pods other than ours; node labels. In the texts, logs among them: addresses that are neither of a pool nor of a subnet of
        the nodes, and what looks like a token, a key or a password.

        Still in it, and to be looked at before it is sent: names of nodes, namespaces and Services; addresses of the LAN; hardware addresses.

        """;

    /// <summary>The files: what was read and what the pods told, without what is of no concern, and the README, which says how much that was.</summary>
    public static IReadOnlyList<BundleFile> All(ClusterView view, DateTimeOffset now, TimeSpan took, IEnumerable<BundleFile> ofPods)
    {
        var filter = BundleFilter.Of(view);
        BundleFile[] files = [.. Of(view, now, took).Concat(ofPods).Select(filter.Apply)];
        var config = view.ConfigText is { } text ? (BundleFile[])[BundleFile.Of("config.yaml", text)] : [];
        return [BundleFile.Of("README", Readme + filter.Describe() + string.Concat(view.Unread.Select(static unread => $"Could not be read: {unread.What}: {unread.Why}\n"))), .. config, .. files];
    }

    private static IEnumerable<BundleFile> Of(ClusterView view, DateTimeOffset now, TimeSpan took)
    {
        var status = StatusMaker.Of(view);
        yield return BundleFile.Of("status.txt", StatusText.Of(status, now, isColoured: false));
        yield return BundleFile.Of("status.json", ReportJson.Write(status, ReportJson.Default.StatusReport, OutputFormat.Json));
        yield return BundleFile.Of("doctor.txt", DoctorText.Of(DoctorReport.Of(view, now, took, null), isColoured: false));
        foreach (var told in view.Controllers ?? [])
        {
            yield return told.Document is { } document ? new BundleFile($"{told.Pod}/status.json", StatusJson.Write(document)) : BundleFile.Of($"{told.Pod}/status.txt", told.Failure + "\n");
        }

        foreach (var told in view.Speakers ?? [])
        {
            yield return told.Document is { } document ? new BundleFile($"{told.Pod}/status.json", StatusJson.Write(document)) : BundleFile.Of($"{told.Pod}/status.txt", told.Failure + "\n");
        }
    }
}
