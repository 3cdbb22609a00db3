using System.Diagnostics;
using LoadBalancer.LocalCluster;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>The real kubectl, of whatever version is installed (Debian: package kubernetes-client).</summary>
public sealed class KubectlTests(ServersUnderTest servers)
{
    private const string Manifests = """
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}]}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: nginx, image: 'nginx:1.25', ports: [{name: web, containerPort: 80}]}]}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: config}
        data: {config: "address-pools: []\n"}
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Apply_TwiceThenChanged_CreatesLeavesAndConfigures(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        Assert.Equal(["service/web created", "deployment.apps/web created", "configmap/config created"], await kubectl.LinesAsync("apply -f -", Manifests));
        Assert.Equal(["service/web unchanged", "deployment.apps/web unchanged", "configmap/config unchanged"], await kubectl.LinesAsync("apply -f -", Manifests));

        var changed = Manifests.Replace("targetPort: web}]", "targetPort: web}, {name: https, port: 443}]", StringComparison.Ordinal)
            .Replace("nginx:1.25", "nginx:1.27", StringComparison.Ordinal);
        Assert.Equal(["service/web configured", "deployment.apps/web configured", "configmap/config unchanged"], await kubectl.LinesAsync("apply -f -", changed));
        Assert.Equal("http:80 https:443 nginx:1.27", await kubectl.RunAsync(
            "get svc/web deploy/web -o jsonpath={.items[0].spec.ports[0].name}:{.items[0].spec.ports[0].port}\\ {.items[0].spec.ports[1].name}:{.items[0].spec.ports[1].port}\\ {.items[1].spec.template.spec.containers[0].image}"));

        // What is taken out of a manifest is taken out of the object.
        Assert.Equal("service/web configured", (await kubectl.LinesAsync("apply -f -", Manifests))[0]);
        Assert.Equal("80", await kubectl.RunAsync("get svc web -o jsonpath={.spec.ports[*].port}"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Apply_UnknownField_IsRefusedByName(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        var (exit, _, errors) = await kubectl.TryAsync("apply -f -", Manifests.Replace("selector: {app: web}, ports", "selektor: {app: web}, ports", StringComparison.Ordinal));

        Assert.NotEqual(0, exit);
        Assert.Contains("unknown field \"", errors, StringComparison.Ordinal);
        Assert.Contains("selektor\"", errors, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Get_Services_ShowsPendingThenTheAddress(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        await kubectl.RunAsync("apply -f -", Manifests);
        Assert.Matches(@"^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +LoadBalancer +10\.96\.\d+\.\d+ +<pending> +80:\d+/TCP +\d+s$", await kubectl.RunAsync("get svc"));

        using var api = await servers.ApiAsync(server);
        await api.PatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/services/web/status", Api.Merge, """{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.7"}]}}}""");
        Assert.Matches(@"\nweb +LoadBalancer +10\.96\.\d+\.\d+ +192\.0\.2\.7 +80:\d+/TCP +\d+s +app=web$", await kubectl.RunAsync("get svc -o wide"));
        Assert.Contains("ip: 192.0.2.7", await kubectl.RunAsync("get svc web -o yaml"), StringComparison.Ordinal);
        Assert.Contains("192.0.2.7", await kubectl.RunAsync("describe svc web"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task GetWatch_AddressGiven_PrintsTheChange(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        await kubectl.RunAsync("apply -f -", Manifests);
        var lines = new List<string>();
        using var watch = kubectl.Start("get svc web -w --no-headers");
        watch.OutputDataReceived += (_, e) =>
        {
            lock (lines)
                lines.Add(e.Data ?? "");
        };
        watch.BeginOutputReadLine();
        bool Has(string text)
        {
            lock (lines)
                return lines.Any(l => l.Contains(text, StringComparison.Ordinal));
        }

        await Eventually.TrueAsync(() => Has("<pending>"), Patience, "kubectl get -w shows the Service as pending");
        using var api = await servers.ApiAsync(server);
        await api.PatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/services/web/status", Api.Merge, """{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.8"}]}}}""");
        await Eventually.TrueAsync(() => Has("192.0.2.8"), Patience, "kubectl get -w shows the address");
        watch.Kill();
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Commands_ThatChangeObjects_AllWork(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        await kubectl.RunAsync("apply -f -", Manifests);

        Assert.Equal("service/web labeled", await kubectl.RunAsync("label svc web tier=front"));
        Assert.Equal("service/web annotated", await kubectl.RunAsync("annotate svc web example.com/a=b"));
        Assert.Equal("configmap/config patched", await kubectl.RunAsync("patch cm config --type merge -p {\"data\":{\"x\":\"y\"}}"));
        Assert.Equal("configmap/config patched", await kubectl.RunAsync("patch cm config --type json -p [{\"op\":\"remove\",\"path\":\"/data/x\"}]"));
        Assert.Equal("deployment.apps/web patched", await kubectl.RunAsync("patch deploy web -p {\"spec\":{\"replicas\":3}}"));
        Assert.EndsWith("web scaled", await kubectl.RunAsync("scale deploy web --replicas=2"), StringComparison.Ordinal);
        Assert.Equal("configmap/config replaced", await kubectl.RunAsync("replace -f -", Manifests[Manifests.LastIndexOf("apiVersion", StringComparison.Ordinal)..]));
        Assert.Equal("configmap/made created", await kubectl.RunAsync("create configmap made --from-literal=a=b"));
        Assert.Equal("secret/made created", await kubectl.RunAsync("create secret generic made --from-literal=a=b"));
        Assert.Equal("service/made created", await kubectl.RunAsync("create service loadbalancer made --tcp=80:8080"));
        Assert.Equal("deployment.apps/made created", await kubectl.RunAsync("create deployment made --image=nginx:1.25"));
        Assert.Equal("made b YQ== LoadBalancer 80/8080 1",
            await kubectl.RunAsync("get cm made -o jsonpath={.metadata.name}\\ {.data.a}") + " "
            + (await kubectl.RunAsync("get secret made -o jsonpath={.data.a}")).Replace("Yg==", "YQ==", StringComparison.Ordinal) + " "
            + await kubectl.RunAsync("get svc made -o jsonpath={.spec.type}\\ {.spec.ports[0].port}/{.spec.ports[0].targetPort}") + " "
            + await kubectl.RunAsync("get deploy made -o jsonpath={.spec.replicas}"));
        Assert.Equal("front b 2", await kubectl.RunAsync("get svc web -o jsonpath={.metadata.labels.tier}\\ {.metadata.annotations.example\\.com/a}") + " "
            + await kubectl.RunAsync("get deploy web -o jsonpath={.spec.replicas}"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Delete_ByNameAndLabel_WaitsUntilTheyAreGone(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        await kubectl.RunAsync("apply -f -", Manifests);
        Assert.Contains("service \"web\" deleted", await kubectl.RunAsync("delete svc web"), StringComparison.Ordinal);
        await kubectl.RunAsync("label cm config gone=yes");
        Assert.Contains("configmap \"config\" deleted", await kubectl.RunAsync("delete cm -l gone=yes"), StringComparison.Ordinal);
        var (exit, _, errors) = await kubectl.TryAsync("get svc web");
        Assert.Equal(1, exit);
        Assert.Contains("Error from server (NotFound): services \"web\" not found", errors, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task DescribeAndEvents_OfAService_ShowWhatWasRecorded(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        await kubectl.RunAsync("apply -f -", Manifests);
        var uid = await kubectl.RunAsync("get svc web -o jsonpath={.metadata.uid}");
        using var api = await servers.ApiAsync(server);
        var recorded = await api.PostAsync($"/api/v1/namespaces/{kubectl.Namespace}/events", $$"""
            {"metadata":{"name":"web.1"},"involvedObject":{"kind":"Service","namespace":"{{kubectl.Namespace}}","name":"web","uid":"{{uid}}","apiVersion":"v1"},
             "reason":"IPAllocated","message":"Assigned IP","type":"Normal","source":{"component":"controller"},"count":1,
             "firstTimestamp":"2026-01-02T03:04:05Z","lastTimestamp":"2026-01-02T03:04:05Z"}
            """);
        Assert.Equal(201, recorded.Status);

        Assert.Matches(@"Normal +IPAllocated +\S+ +controller +Assigned IP", await kubectl.RunAsync("describe svc web"));
        Assert.Matches(@"Normal +IPAllocated +service/web +Assigned IP", await kubectl.RunAsync("get events"));
        Assert.Contains("address-pools: []", await kubectl.RunAsync("describe cm config"), StringComparison.Ordinal);
        Assert.Contains("nginx:1.25", await kubectl.RunAsync("describe deploy web"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Inspection_OfTheServer_Works(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        Assert.Contains("Server Version", await kubectl.RunAsync("version"), StringComparison.Ordinal);
        Assert.Matches(@"(?m)^services +svc +v1 +true +Service$", await kubectl.RunAsync("api-resources"));
        Assert.Contains("coordination.k8s.io/v1", await kubectl.RunAsync("api-versions"), StringComparison.Ordinal);
        Assert.Equal("yes", await kubectl.RunAsync("auth can-i create services"));
        Assert.Contains("loadBalancerClass", await kubectl.RunAsync("explain service.spec"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task ApplyKustomization_WithConfigMap_Applies(string server)
    {
        using var kubectl = await Kubectl.NewAsync(servers, server);
        var folder = Directory.CreateTempSubdirectory("lb-kustomize-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "all.yaml"), Manifests, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "kustomization.yaml"), "resources: [all.yaml]\ncommonLabels: {from: kustomize}\n", TestContext.Current.CancellationToken);
        await kubectl.RunAsync($"apply -k {folder.FullName}");

        Assert.Equal("web", await kubectl.RunAsync("get svc -l from=kustomize -o jsonpath={.items[*].metadata.name}"));
        folder.Delete(recursive: true);
    }

    /// <summary>kubectl with a kubeconfig, a namespace and a cache of its own.</summary>
    private sealed class Kubectl : IDisposable
    {
        private static readonly string? Program = Environment.GetEnvironmentVariable("PATH")!.Split(':')
            .Select(f => Path.Combine(f, "kubectl")).FirstOrDefault(File.Exists);

        private readonly string _kubeconfig;
        private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("lb-kubectl-");

        private Kubectl(string kubeconfig, string ns)
        {
            _kubeconfig = kubeconfig;
            Namespace = ns;
        }

        public string Namespace { get; }

        public static async Task<Kubectl> NewAsync(ServersUnderTest servers, string server)
        {
            Assert.SkipWhen(Program is null, "kubectl is not installed (Debian: apt-get install kubernetes-client)");
            using var api = await servers.ApiAsync(server);
            return new Kubectl(await servers.KubeconfigAsync(server), (await api.NewNamespaceAsync())["/api/v1/namespaces/".Length..]);
        }

        public async Task<string> RunAsync(string arguments, string? input = null)
        {
            var (exit, output, errors) = await TryAsync(arguments, input);
            Assert.True(exit == 0, $"kubectl {arguments}: exit {exit}\n{errors}\n{output}");
            return output;
        }

        public async Task<string[]> LinesAsync(string arguments, string? input = null) => (await RunAsync(arguments, input)).Split('\n');

        public async Task<(int Exit, string Output, string Errors)> TryAsync(string arguments, string? input = null)
        {
            using var process = Start(arguments);
            if (input is not null)
                await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            using var deadline = new CancellationTokenSource(Patience);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            var output = await process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, output.TrimEnd(), await errors);
        }

        public Process Start(string arguments)
        {
            var start = new ProcessStartInfo(Program!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            // Blanks separate arguments, an escaped blank does not.
            foreach (var argument in arguments.Replace("\\ ", "\0", StringComparison.Ordinal).Split(' '))
                start.ArgumentList.Add(argument.Replace('\0', ' '));
            start.ArgumentList.Add("--namespace");
            start.ArgumentList.Add(Namespace);
            start.Environment["KUBECONFIG"] = _kubeconfig;
            start.Environment["HOME"] = _home.FullName;
            return Process.Start(start)!;
        }

        public void Dispose() => _home.Delete(recursive: true);
    }
}
