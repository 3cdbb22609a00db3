using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

public sealed class PoolExampleTests
{
    [Fact]
    public void PoolExample_Read_IsAConfigurationWithoutAProblem()
    {
        var configMap = Assert.Single(YamlText.ParseAll(ProjectFiles.Read("manifests", "loadbalancer", "pool.example.yaml")));
        Assert.Equal("config", Manifests.Name(configMap));
        Assert.Equal(Manifests.Namespace, configMap.Text("metadata", "namespace"));
        var result = PoolConfigText.Read(configMap.Text("data", PoolConfigSource.DataKey));
        Assert.Empty(result.Problems);
        Assert.NotEmpty(result.Config!.Pools);
    }
}
