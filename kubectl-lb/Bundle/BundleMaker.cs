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
        annotations of Services; pods other than ours; node labels.

        Still in it, and to be looked at before it is sent: names of nodes, namespaces and Services; addresses of the LAN; hardware addresses.

        """;

    /// <summary>The files that are made from what was read.</summary>
    public static IEnumerable<BundleFile> Of(ClusterView view, DateTimeOffset now, TimeSpan took)
    {
        yield return BundleFile.Of("README", Readme + string.Concat(view.Unread.Select(static unread => $"Could not be read: {unread.What}: {unread.Why}\n")));
        var status = StatusMaker.Of(view);
        yield return BundleFile.Of("status.txt", StatusText.Of(status, now, isColoured: false));
        yield return BundleFile.Of("status.json", ReportJson.Write(status, ReportJson.Default.StatusReport, OutputFormat.Json));
        yield return BundleFile.Of("doctor.txt", DoctorText.Of(DoctorReport.Of(view, now, took, null), isColoured: false));
        if (view.ConfigText is { } config)
        {
            yield return BundleFile.Of("config.yaml", config);
        }

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
