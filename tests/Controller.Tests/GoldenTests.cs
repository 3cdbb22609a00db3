using System.Globalization;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Resources;
using YamlDotNet.RepresentationModel;

namespace LoadBalancer.Controller.Tests;

/// <summary>
/// Each folder of Golden is a cluster: <c>pools.yaml</c> as the user writes it in the ConfigMap, <c>services.yaml</c> with Services as
/// kubectl shows them, oldest first, and <c>expected.yaml</c> with what each has in the end and the reasons of its Events.
/// </summary>
public sealed class GoldenTests
{
    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "Golden");

    public static TheoryData<string> Cases =>
        [.. Directory.GetDirectories(Root).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Cluster_ComesOutAsExpected(string name)
    {
        var folder = Path.Combine(Root, name);
        var config = PoolConfigText.Read(File.ReadAllText(Path.Combine(folder, "pools.yaml")));
        Assert.True(config.Config is not null, string.Join('\n', config.Problems));

        var cluster = new FakeCluster();
        var number = 0;
        foreach (var document in Documents(Path.Combine(folder, "services.yaml")))
        {
            number++;
            cluster.Create(number, made => ServiceYaml.Read(document, made));
        }

        var bench = new Bench(cluster).Start(config.Config).Settle();
        var actual = cluster.Services.All().OrderBy(s => s.Created)
            .Select(s => Line(s.Key.Name, s.Ingress.Select(p => p.Ip + p.Hostname), bench.Events.ReasonsOf(s.Key.Name)));
        var expected = Documents(Path.Combine(folder, "expected.yaml")).Single().Children
            .Select(entry => Line(entry.Key.ToString(), Texts(entry.Value, "addresses"), Texts(entry.Value, "events")));
        Assert.Equal(expected, actual);

        // Whatever was decided, a restart changes nothing.
        bench.Restart(config.Config);
        Assert.Empty(bench.Sent);
    }

    private static string Line(string name, IEnumerable<string> addresses, IEnumerable<string> events) =>
        $"{name}: [{string.Join(", ", addresses)}] {string.Join(' ', events)}".Trim();

    private static IEnumerable<YamlMappingNode> Documents(string path)
    {
        var yaml = new YamlStream();
        using var reader = File.OpenText(path);
        yaml.Load(reader);
        return [.. yaml.Documents.Select(document => (YamlMappingNode)document.RootNode)];
    }

    private static IEnumerable<string> Texts(YamlNode node, string key) =>
        ((YamlMappingNode)node).Children.TryGetValue(key, out var list) ? ((YamlSequenceNode)list).Select(item => item.ToString()) : [];

    /// <summary>The fields of a Service manifest that matter here.</summary>
    private static class ServiceYaml
    {
        public static ServiceResource Read(YamlMappingNode root, ServiceResource made)
        {
            var (meta, spec) = (Map(root, "metadata"), Map(root, "spec"));
            var ingress = Map(Map(root, "status"), "loadBalancer").Children.TryGetValue("ingress", out var list)
                ? ((YamlSequenceNode)list).Cast<YamlMappingNode>()
                    .Select(i => new IngressPoint(Text(i, "ip"), Text(i, "hostname"))).ToArray()
                : [];
            return made with
            {
                Key = new ObjectKey(Text(meta, "namespace", "default"), Text(meta, "name")),
                Labels = Pairs(Map(meta, "labels")),
                Annotations = Pairs(Map(meta, "annotations")),
                Type = Text(spec, "type", "LoadBalancer"),
                LoadBalancerIP = Text(spec, "loadBalancerIP"),
                LoadBalancerClass = Text(spec, "loadBalancerClass") is { Length: > 0 } lbClass ? lbClass : null,
                ClusterIPs = [Text(spec, "clusterIP", "10.96.0.1")],
                IpFamilies = [.. List(spec, "ipFamilies", "IPv4").Select(Enum.Parse<IpFamily>)],
                IpFamilyPolicy = Text(spec, "ipFamilyPolicy", "SingleStack"),
                ExternalTrafficPolicy = Text(spec, "externalTrafficPolicy", "Cluster"),
                Selector = Pairs(Map(spec, "selector")),
                Ports = [.. Ports(spec)],
                Ingress = ingress,
            };
        }

        private static IEnumerable<ServicePort> Ports(YamlMappingNode spec) =>
            spec.Children.TryGetValue("ports", out var list)
                ? ((YamlSequenceNode)list).Cast<YamlMappingNode>().Select(port =>
                    new ServicePort(Text(port, "protocol", "TCP"), int.Parse(Text(port, "port"), CultureInfo.InvariantCulture)))
                : [new ServicePort("TCP", 80)];

        private static YamlMappingNode Map(YamlMappingNode node, string key) =>
            node.Children.TryGetValue(key, out var child) ? (YamlMappingNode)child : [];

        private static string Text(YamlMappingNode node, string key, string otherwise = "") =>
            node.Children.TryGetValue(key, out var child) ? child.ToString() : otherwise;

        private static IEnumerable<string> List(YamlMappingNode node, string key, string otherwise) =>
            node.Children.TryGetValue(key, out var child) ? ((YamlSequenceNode)child).Select(item => item.ToString()) : [otherwise];

        private static Dictionary<string, string> Pairs(YamlMappingNode node) =>
            node.Children.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value.ToString());
    }
}
