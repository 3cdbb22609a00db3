using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>manifests/kube-prometheus-stack/values.yaml, against what the chart puts beside it.</summary>
public sealed class ChartValuesTests
{
    // The chart's Service of Prometheus has a second port, of the reloader, 8080 unless said otherwise: an API server refuses one port twice.
    [Fact]
    public void ServiceOfPrometheus_HasTwoPortsThatDiffer()
    {
        var service = YamlText.Parse(ProjectFiles.Read("manifests", "kube-prometheus-stack", "values.yaml")).At("prometheus", "service");
        Assert.Equal(8080, service.Number("port"));
        Assert.NotEqual(service.Number("port"), service.Number("reloaderWebPort") ?? 8080);
    }
}
