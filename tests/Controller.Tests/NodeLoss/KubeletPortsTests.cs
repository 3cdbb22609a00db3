using System.Net;
using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.NodeLoss;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.NodeLoss;

/// <summary>What the silence of a kubelet's port says.</summary>
public sealed class KubeletPortsTests
{
    private static readonly IPEndPoint Kubelet = new(IPAddress.Parse("192.168.96.13"), 10250);

    private readonly FakeTimeProvider time = new();
    private bool answers = true;

    // A firewall that was put up since is as good a reason.
    [Theory]
    [InlineData(59, KubeletAnswer.Silent)]
    [InlineData(61, KubeletAnswer.NeverReached)]
    public async Task SilentPort_IsBelievedIfItAnsweredWithinTheLastMinute(int secondsAgo, KubeletAnswer expected)
    {
        var ports = new KubeletPorts(ConnectAsync, time);
        Assert.Equal(KubeletAnswer.Answered, await AskAsync(ports));
        answers = false;
        time.Advance(TimeSpan.FromSeconds(secondsAgo));
        Assert.Equal(expected, await AskAsync(ports));
    }

    private async Task<KubeletAnswer> AskAsync(KubeletPorts ports)
    {
        var asked = ports.AskAsync(Kubelet, TestContext.Current.CancellationToken);
        await Eventually.True(() => asked.IsCompleted, () => time.Advance(TimeSpan.FromMilliseconds(10)));
        return await asked;
    }

    private Task<bool> ConnectAsync(IPEndPoint endpoint, CancellationToken stop)
    {
        var never = new TaskCompletionSource<bool>();
        stop.Register(() => never.TrySetCanceled(stop));
        return answers ? Task.FromResult(true) : never.Task;
    }
}
