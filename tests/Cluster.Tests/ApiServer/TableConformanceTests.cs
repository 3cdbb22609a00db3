using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>What <c>kubectl get</c> prints.</summary>
public sealed class TableConformanceTests(ServersUnderTest servers)
{
    public static TheoryData<string, string, string> ColumnSets
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (string server in ServersUnderTest.All.Select(row => row.Data))
            {
                data.Add(server, "/api/v1/services", "Name Type Cluster-IP External-IP Port(s) Age | Selector");
                data.Add(server, "/api/v1/pods", "Name Ready Status Restarts Age | IP Node Nominated Node Readiness Gates");
                data.Add(server, "/api/v1/nodes", "Name Status Roles Age Version | Internal-IP External-IP OS-Image Kernel-Version Container-Runtime");
                data.Add(server, "/api/v1/configmaps", "Name Data Age |");
                data.Add(server, "/api/v1/secrets", "Name Type Data Age |");
                data.Add(server, "/api/v1/namespaces", "Name Status Age |");
                data.Add(server, "/api/v1/events", "Last Seen Type Reason Object Message | Subobject Source First Seen Count Name");
                data.Add(server, "/apis/apps/v1/deployments", "Name Ready Up-to-date Available Age | Containers Images Selector");
                data.Add(server, "/apis/apps/v1/daemonsets", "Name Desired Current Ready Up-to-date Available Node Selector Age | Containers Images Selector");
                data.Add(server, "/apis/apps/v1/statefulsets", "Name Ready Age | Containers Images");
                data.Add(server, "/apis/coordination.k8s.io/v1/leases", "Name Holder Age |");
                data.Add(server, "/apis/discovery.k8s.io/v1/endpointslices", "Name AddressType Ports Endpoints Age |");
                data.Add(server, "/apis/networking.k8s.io/v1/ingresses", "Name Class Hosts Address Ports Age |");
                data.Add(server, "/apis/networking.k8s.io/v1/networkpolicies", "Name Pod-Selector Age |");
                data.Add(server, "/apis/policy/v1/poddisruptionbudgets", "Name Min Available Max Unavailable Allowed Disruptions Age |");
                data.Add(server, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "Name Role Age | Users Groups ServiceAccounts");
                data.Add(server, "/apis/scheduling.k8s.io/v1/priorityclasses", "Name Value Global-Default Age PreemptionPolicy |");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(ColumnSets))]
    public async Task List_AsTable_HasTheColumnsOfTheKind(string server, string path, string columns)
    {
        using var api = await servers.ApiAsync(server);
        var table = await api.GetAsync($"{path}?limit=1", Api.TableAccept);

        Assert.Equal(("Table", "meta.k8s.io/v1"), (table.Text("kind"), table.Text("apiVersion")));
        var all = table.Body.Objects("columnDefinitions").ToList();
        var plain = string.Join(' ', all.Where(c => c.Number("priority") == 0).Select(c => c.Text("name")));
        var wide = string.Join(' ', all.Where(c => c.Number("priority") == 1).Select(c => c.Text("name")));
        Assert.Equal(columns, $"{plain} | {wide}".TrimEnd());
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Services_EachType_ShowWhereTheyAreReached(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        await api.PostAsync(path, """{"metadata":{"name":"a-pending"},"spec":{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"ports":[{"port":80}]}}""");
        await api.PostAsync(path, """{"metadata":{"name":"b-given"},"spec":{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"ports":[{"name":"a","port":80},{"name":"b","port":443}]}}""");
        await api.PatchAsync($"{path}/b-given/status", Api.Merge, """{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"},{"ip":"2001:db8::1"}]}}}""");
        await api.PostAsync(path, """{"metadata":{"name":"c-inner"},"spec":{"selector":{"x":"y","a":"b"},"ports":[{"port":53,"protocol":"UDP"}]}}""");
        await api.PostAsync(path, """{"metadata":{"name":"d-named"},"spec":{"type":"ExternalName","externalName":"example.com"}}""");
        var table = await api.GetAsync(path, Api.TableAccept);

        Assert.Equal(
            ["a-pending LoadBalancer <pending> 80/TCP <none>", "b-given LoadBalancer 192.0.2.1,2001:db8::1 80/TCP,443/TCP <none>",
             "c-inner ClusterIP <none> 53/UDP a=b,x=y", "d-named ExternalName example.com <none> <none>"],
            table.Body.Objects("rows").Select(r => r.List("cells")!).Select(c => $"{c[0].Text()} {c[1].Text()} {c[3].Text()} {c[4].Text()} {c[6].Text()}"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Table_IncludeObject_DecidesWhatRowsCarry(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = "/api/v1/namespaces/default/services?fieldSelector=metadata.name%3Dkubernetes";
        string KindIn(Answer table) => table.Body.Objects("rows").Single().Text("object", "kind");

        Assert.Equal("PartialObjectMetadata", KindIn(await api.GetAsync(path, Api.TableAccept)));
        Assert.Equal("Service", KindIn(await api.GetAsync($"{path}&includeObject=Object", Api.TableAccept)));
        Assert.Equal("", KindIn(await api.GetAsync($"{path}&includeObject=None", Api.TableAccept)));
    }
}
